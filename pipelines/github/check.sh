#!/usr/bin/env bash
# The gate: annotations, the job's summary, and the outputs `changed`, `plugins` and `summary`.
set -euo pipefail
PATH=$RUNNER_TEMP/greenroom/bin:$PATH
# shellcheck source=pipelines/options.sh
. "${BASH_SOURCE[0]%/*}/../options.sh"
check=(greenroom generate --check "${options[@]}")
if [ -n "${INPUT_BASE:-}" ]; then check+=(--base "$INPUT_BASE"); fi
summary=$RUNNER_TEMP/greenroom-summary.md
code=0
"${check[@]}" --format markdown > "$summary" || code=$?
cat "$summary" >> "$GITHUB_STEP_SUMMARY"
echo "summary=$summary" >> "$GITHUB_OUTPUT"
if [ "$code" -ne 0 ] && [ "$code" -ne 3 ]; then
    "${check[@]}" --format github || true
    exit "$code"
fi
"${check[@]}" --format json > "$RUNNER_TEMP/greenroom-check.json" || true
plugins=$(python3 - "$RUNNER_TEMP/greenroom-check.json" << 'PYTHON'
import json, sys
found = json.load(open(sys.argv[1], encoding="utf-8"))
checks = [one["check"] for one in found.get("environments", {"": found}).values()]
print(json.dumps(sorted({plugin["plugin"] for check in checks for plugin in check["plugins"]})))
PYTHON
)
{
    if [ "$code" -eq 3 ]; then echo "changed=true"; else echo "changed=false"; fi
    echo "plugins=$plugins"
} >> "$GITHUB_OUTPUT"
if [ "$INPUT_MODE" = check ]; then
    "${check[@]}" --format github || true
    exit "$code"
fi
