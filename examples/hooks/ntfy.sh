#!/bin/sh
# A push message through an ntfy server; NTFY_URL is the address of your topic:
#   [hooks]
#   halt = ["examples/hooks/ntfy.sh"]
#   run_end = ["examples/hooks/ntfy.sh"]
set -eu
: "${NTFY_URL:?set it to the address of your topic}"
printf '%s' "$SEQORCH_MESSAGE" |
    curl -fsS --max-time 20 -H "Title: seqorch: $SEQORCH_SPEC" --data-binary @- "$NTFY_URL" >/dev/null
