#!/usr/bin/env bash
# Makes sure that a Prometheus and a PostgreSQL are there: Debian's packages where they can be had.
set -euo pipefail
PATH=$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' :)
missing() { for name in prometheus initdb; do command -v "$name" >/dev/null || echo "$name"; done; }
[ -z "$(missing)" ] && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus postgresql >/dev/null
fi
PATH=$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' :)
[ -z "$(missing)" ] || { echo "missing: $(missing | xargs): install it to run the end-to-end tests" >&2; exit 1; }
