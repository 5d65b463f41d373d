#!/usr/bin/env bash
# Makes sure that a Prometheus is there: Debian's package where it can be installed.
set -euo pipefail
command -v prometheus >/dev/null && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus >/dev/null
fi
command -v prometheus >/dev/null || { echo "prometheus is missing: install it to run the end-to-end tests" >&2; exit 1; }
