#!/usr/bin/env bash
# Rewrites the lock files from pyproject.toml: `make lock`. One for people and CI, one for each image, one for a client that wants other versions.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() { uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --custom-compile-command "make lock" "$@"; }
compile pyproject.toml --extra operator --extra kubectl --extra serving --extra batch --extra train --group test --group check -o requirements/dev.lock
compile pyproject.toml --extra operator -o requirements/operator.lock -c requirements/dev.lock
compile pyproject.toml --extra serving -o requirements/serving.lock -c requirements/dev.lock
# For the image of examples/batch in the end-to-end tests.
compile pyproject.toml --extra batch -o requirements/batch.lock -c requirements/dev.lock
compile --group kserve-client -o requirements/kserve-client.lock
# Only for `make fuzz`, which installs it beside the rest on demand: no wheel of it fits all Pythons.
compile requirements/fuzz.in -o requirements/fuzz.lock
