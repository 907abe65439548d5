#!/usr/bin/env bash
# Generates, and brings the result into the repository of INPUT_TARGET_PATH: a commit on its branch, or a pull request.
set -euo pipefail
PATH=$RUNNER_TEMP/greenroom/bin:$PATH
# shellcheck source=pipelines/options.sh
. "${BASH_SOURCE[0]%/*}/../options.sh"
fail() {
    echo "::error title=greenroom::$1"
    exit 1
}
target=$INPUT_TARGET_PATH
author=(-c "user.name=$INPUT_AUTHOR_NAME" -c "user.email=$INPUT_AUTHOR_EMAIL")
top=$(git -C "$target" rev-parse --show-toplevel 2> /dev/null) || fail "target-path is no checkout of a Git repository"
git -C "$top" remote get-url origin > /dev/null 2>&1 || fail "the repository of target-path has no remote called origin"
git -C "$top" diff --cached --quiet || fail "something is staged already in the repository of target-path"
if [ "$INPUT_MODE" = commit ]; then
    branch=$(git -C "$top" symbolic-ref --quiet --short HEAD) ||
        fail "HEAD is detached, so there is no branch to commit to: check out the branch (actions/checkout with ref: \${{ github.head_ref }})"
else
    branch=$INPUT_BRANCH
    git check-ref-format --branch "$branch" > /dev/null 2>&1 || fail "branch is no name of a branch"
fi
changed=$RUNNER_TEMP/greenroom-generate.json
greenroom generate "${options[@]}" --format json > "$changed"
# Only what greenroom wrote is committed, whatever else lies in the checkout.
TOP=$top python3 - "$changed" > "$RUNNER_TEMP/greenroom-files" << 'PYTHON' || fail "something was generated outside of the repository of target-path: set out"
import json, os, sys
top = os.path.realpath(os.environ["TOP"])
found = json.load(open(sys.argv[1], encoding="utf-8"))
environments = found.get("environments", {"": found}).values()
for name in [name for one in environments for name in one["changedFiles"]]:
    path = os.path.realpath(name)
    if not path.startswith(top + os.sep):
        sys.exit(1)
    sys.stdout.write(os.path.relpath(path, top) + "\0")
PYTHON
git -C "$top" --literal-pathspecs add --all --pathspec-from-file="$RUNNER_TEMP/greenroom-files" --pathspec-file-nul
if git -C "$top" diff --cached --quiet; then
    echo "nothing to commit"
    exit 0
fi
git -C "$top" "${author[@]}" commit --quiet --message "$INPUT_COMMIT_MESSAGE"
commit=$(git -C "$top" rev-parse HEAD)
echo "commit=$commit" >> "$GITHUB_OUTPUT"
denied="cannot push to $branch: the token may not write there (a fork's pull request has none that may), or the branch has moved on"
if [ "$INPUT_MODE" = commit ]; then
    git -C "$top" push --quiet origin "HEAD:refs/heads/$branch" || fail "$denied"
    echo "pushed $commit to $branch"
    exit 0
fi
# The branch is greenroom's own: it is made anew each time, unless somebody else has committed to it.
lease=
if git -C "$top" fetch --quiet origin "refs/heads/$branch" 2> /dev/null; then
    lease=$(git -C "$top" rev-parse FETCH_HEAD)
    [ "$(git -C "$top" show --no-patch --format=%ae "$lease")" = "$INPUT_AUTHOR_EMAIL" ] ||
        fail "the last commit of $branch is not by $INPUT_AUTHOR_EMAIL: merge or delete the branch, or set branch"
fi
if [ -z "$lease" ] || [ "$(git -C "$top" rev-parse "$lease^{tree}")" != "$(git -C "$top" rev-parse 'HEAD^{tree}')" ]; then
    git -C "$top" push --quiet --force-with-lease="refs/heads/$branch:$lease" origin "HEAD:refs/heads/$branch" || fail "$denied"
    echo "pushed $commit to $branch"
fi
[ -n "${GH_TOKEN:-}" ] || fail "the branch $branch is pushed, and there is no token to open the pull request with: set token"
cd "$top"
url=$(gh pr list --head "$branch" --state open --json url --jq '.[0].url // ""')
if [ -z "$url" ]; then
    create=(gh pr create --head "$branch" --title "$INPUT_COMMIT_MESSAGE" --body-file "$RUNNER_TEMP/greenroom-summary.md")
    if [ -n "${INPUT_BASE_BRANCH:-}" ]; then create+=(--base "$INPUT_BASE_BRANCH"); fi
    url=$("${create[@]}")
else
    gh pr edit "$url" --body-file "$RUNNER_TEMP/greenroom-summary.md" > /dev/null
fi
echo "pull-request=$url" >> "$GITHUB_OUTPUT"
