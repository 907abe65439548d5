#!/usr/bin/env bash
# Pins anew what pipelines, the image and a release install: pipelines/requirements*.txt. Needs pip-tools, with Python 3.11.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
build=$(mktemp)
tools=$(mktemp)
trap 'rm -f "$build" "$tools"' EXIT
echo 'hatchling>=1.27' > "$build"
printf '%s\n' 'build>=1.2' 'cyclonedx-bom>=7.5,<8' 'hatchling>=1.27' 'jinja2>=3.1.5,<4' > "$tools"
pin() {
    local file=$1 what=$2
    shift 2
    pip-compile --quiet --upgrade --generate-hashes --strip-extras --no-header --no-annotate --allow-unsafe \
        --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file "$build.txt" "$@"
    {
        echo "# $what, with hashes: pip takes nothing else then. Made by tools/pin_pipelines.sh."
        cat "$build.txt"
    } > "$file"
    rm -f "$build.txt"
}
pin pipelines/requirements.txt 'What greenroom is built with and needs' pyproject.toml "$build"
pin pipelines/requirements-live.txt 'What greenroom is built with and needs' --extra live --extra aws pyproject.toml "$build"
pin pipelines/requirements-release.txt 'What builds a release' "$tools"
