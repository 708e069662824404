#!/bin/sh
# Opens a pull request (gh) or a merge request (glab) once a run has completed; it needs the branch on the remote:
#   [git]
#   push = "origin"
#   [hooks]
#   run_end = ["examples/hooks/pull-request.sh"]
# PULL_REQUEST_BASE is the branch to merge into, where it is not the default one.
set -eu
[ "$SEQORCH_OUTCOME" = complete ] || exit 0
branch=$(git symbolic-ref --quiet --short HEAD) || { echo "HEAD is on no branch" >&2; exit 1; }
base=${PULL_REQUEST_BASE:-}
if command -v gh >/dev/null; then
    # there is one already
    gh pr view "$branch" >/dev/null 2>&1 && exit 0
    exec gh pr create --head "$branch" --title "$SEQORCH_SPEC" --body "$SEQORCH_MESSAGE" ${base:+--base "$base"} </dev/null
fi
if command -v glab >/dev/null; then
    glab mr view "$branch" >/dev/null 2>&1 && exit 0
    exec glab mr create --yes --source-branch "$branch" --title "$SEQORCH_SPEC" --description "$SEQORCH_MESSAGE" \
        ${base:+--target-branch "$base"} </dev/null
fi
echo "neither gh nor glab is on the search path" >&2
exit 1
