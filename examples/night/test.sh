#!/bin/sh
# Checks the parts of note.sh that are written so far.
cd "$(dirname "$0")" || exit 1
NOTES=$(mktemp)
export NOTES
trap 'rm -f "$NOTES"' EXIT
fail() {
    echo "FAIL $*"
    exit 1
}
[ -x note.sh ] || { echo "ok   nothing to check yet"; exit 0; }
./note.sh add 'Buy milk' || fail "a note cannot be added"
./note.sh add 'Call Ada' || fail "a second note cannot be added"
[ "$(./note.sh list | wc -l)" -eq 2 ] || fail "two notes were added, and list shows: $(./note.sh list)"
echo "ok   add, list"
if grep -q '^find)' note.sh; then
    [ "$(./note.sh find ada)" = 'Call Ada' ] || fail "find does not find 'Call Ada' by 'ada'"
    echo "ok   find"
fi
if grep -q '^delete)' note.sh; then
    ./note.sh delete 1 && [ "$(./note.sh list)" = 'Call Ada' ] || fail "delete 1 leaves: $(./note.sh list)"
    echo "ok   delete"
fi
