#!/bin/sh
# What the image is made of, as plain steps: the Dockerfile runs them, and so does the check of a clean checkout.
#   docker/install.sh TARGET    installs debrief and its locked dependencies into TARGET, without development tools
set -eu
target=$1
source=$(cd "$(dirname "$0")/.." && pwd)
python3 -m venv "$target/installer"
"$target/installer/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
  -r "$source/uv-requirements.txt"
UV_PROJECT_ENVIRONMENT="$target/venv" "$target/installer/bin/uv" sync --project "$source" --frozen --quiet \
  --no-dev --no-editable --compile-bytecode --link-mode copy --python "$(command -v python3)"
rm -rf "$target/installer"
"$target/venv/bin/debrief" --version
