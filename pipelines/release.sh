#!/usr/bin/env bash
# Builds what a release has: release.sh FOLDER → packages/*.whl, packages/*.tar.gz, greenroom.cdx.json (SBOM), SHA256SUMS.
# What builds it comes with the hashes of requirements-release.txt, what it needs with those of requirements.txt.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1/packages"
folder=$(cd -- "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-python3}

install() {
    "$python" -m venv "$work/$1"
    "$work/$1/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement "$here/$2"
}

install tools requirements-release.txt
# A copy: building leaves nothing in the checkout. The wheel is made from the source distribution.
git -C "$here/.." archive HEAD | tar -x -C "$work" --one-top-level=source
SOURCE_DATE_EPOCH=$(git -C "$here/.." log -1 --format=%ct HEAD)
export SOURCE_DATE_EPOCH
"$work/tools/bin/python" -m build --no-isolation --outdir "$folder/packages" "$work/source"

install run requirements.txt
"$work/run/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-index "$folder"/packages/*.whl
"$work/tools/bin/python" "$here/sbom.py" "$work/run/bin/python" "$work/source" > "$folder/greenroom.cdx.json"
(cd "$folder" && sha256sum packages/* greenroom.cdx.json > SHA256SUMS)
cat "$folder/SHA256SUMS"
