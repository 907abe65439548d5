#!/usr/bin/env bash
# Pins anew what pipelines and the image install: pipelines/requirements*.txt. Needs pip-tools, with Python 3.11.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
build=$(mktemp)
trap 'rm -f "$build"' EXIT
echo 'hatchling>=1.27' > "$build"
pin() {
    local file=$1
    shift
    pip-compile --quiet --upgrade --generate-hashes --strip-extras --no-header --no-annotate --allow-unsafe \
        --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file "$build.txt" "$@" pyproject.toml "$build"
    {
        echo '# What greenroom is built with and needs, with hashes: pip takes nothing else then. Made by tools/pin_pipelines.sh.'
        cat "$build.txt"
    } > "$file"
    rm -f "$build.txt"
}
pin pipelines/requirements.txt
pin pipelines/requirements-live.txt --extra live --extra aws
