#!/usr/bin/env bash
# Rewrites the lock files from pyproject.toml: `make lock`. One for people and CI, one for each image.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() { uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --custom-compile-command "make lock" "$@"; }
compile --extra operator --extra serving --extra batch --extra train --group test --group check -o requirements/dev.lock
compile --extra operator -o requirements/operator.lock -c requirements/dev.lock
compile --extra serving -o requirements/serving.lock -c requirements/dev.lock
# Only for `make fuzz`, which installs it beside the rest on demand: no wheel of it fits all Pythons.
uv pip compile requirements/fuzz.in --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --custom-compile-command "make lock" -o requirements/fuzz.lock
