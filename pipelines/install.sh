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
# A job installs, runs the gate once and is thrown away. A pip of its own, and bytecode of what it never imports, are most of
# the time that takes (docs/adr/0027-a-cold-gate.md). Python writes the bytecode it needs itself.
if "$python" -c 'import pip, sys; sys.exit(tuple(map(int, pip.__version__.split(".")[:2])) < (22, 3))' 2> /dev/null; then
    "$python" -m venv --without-pip "$folder"
    pip=("$python" -m pip --python "$folder/bin/python")
else
    "$python" -m venv "$folder"
    pip=("$folder/bin/python" -m pip)
fi
install() { "${pip[@]}" install --quiet --disable-pip-version-check --no-compile "$@"; }
install --require-hashes --only-binary :all: --requirement "$requirements"
# A copy, so that building leaves nothing in the checkout.
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
for name in generator templates schemas docs examples pyproject.toml hatch_build.py README.md LICENSE; do
    cp -R "$here/../$name" "$source/"
done
install --no-deps --no-build-isolation --no-index "$source"
"$folder/bin/greenroom" --version
