#!/usr/bin/env bash
# Builds the stock Collector of builder.yaml into a cache outside the tree, once a manifest.
# The last line of stdout is the path of the binary.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
manifest=$here/builder.yaml
version=v$(sed -n 's/^  version: //p' "$manifest")
cache=${OTELML_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/otelml}
target=$cache/collector-$(sha256sum "$manifest" | cut -c1-16)

if [ ! -x "$target/otelcol" ]; then
  command -v go >/dev/null || { echo "go is missing: install Go 1.25 or newer to build the Collector" >&2; exit 1; }
  mkdir -p "$target"
  GOBIN=$target go install "go.opentelemetry.io/collector/cmd/builder@$version" >&2
  sed "/^dist:/a\\  output_path: $target/build" "$manifest" >"$target/manifest.yaml"
  CGO_ENABLED=0 "$target/builder" --config "$target/manifest.yaml" >&2
  mv "$target/build/otelcol" "$target/otelcol"
  rm -rf "$target/build"
fi
echo "$target/otelcol"
