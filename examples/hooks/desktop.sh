#!/bin/sh
# A desktop notification:
#   [hooks]
#   halt = ["examples/hooks/desktop.sh"]
#   run_end = ["examples/hooks/desktop.sh"]
set -eu
title="seqorch: $SEQORCH_SPEC ${SEQORCH_UNIT:-}"
if command -v notify-send >/dev/null; then
    notify-send -- "$title" "$SEQORCH_MESSAGE"
elif command -v osascript >/dev/null; then
    # passed as arguments, so that text of an agent cannot become part of the script
    osascript -e 'on run argv' -e 'display notification (item 2 of argv) with title (item 1 of argv)' -e 'end run' \
        "$title" "$SEQORCH_MESSAGE"
else
    echo "neither notify-send nor osascript is installed" >&2
    exit 1
fi
