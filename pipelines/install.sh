#!/usr/bin/env bash
# Installs greenroom from this checkout into a virtual environment: install.sh FOLDER [live]
# Everything else comes with the hashes of requirements.txt; no package called greenroom is asked for anywhere.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
folder=$1
requirements=$here/requirements${2:+-$2}.txt
python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "greenroom needs Python 3.11 or newer, and $python is $("$python" --version 2>&1): set it up in a step before" >&2
    exit 2
fi
"$python" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement "$requirements"
# A copy, so that building leaves nothing in the checkout.
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
for name in generator templates schemas docs examples pyproject.toml hatch_build.py README.md LICENSE; do
    cp -R "$here/../$name" "$source/"
done
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index "$source"
"$folder/bin/greenroom" --version
