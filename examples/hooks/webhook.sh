#!/bin/sh
# A message to a chat service that accepts {"text": "…"}; CHAT_WEBHOOK is the address that the service gave you:
#   [hooks]
#   halt = ["examples/hooks/webhook.sh"]
#   run_end = ["examples/hooks/webhook.sh"]
# The whole event is on standard input, as JSON.
set -eu
: "${CHAT_WEBHOOK:?set it to the address of your webhook}"
escaped=$(printf '%s' "$SEQORCH_SPEC ${SEQORCH_UNIT:-}: $SEQORCH_MESSAGE" | sed 's/\\/\\\\/g; s/"/\\"/g' | tr -d '\000-\037')
printf '{"text":"%s"}' "$escaped" |
    curl -fsS --max-time 20 -H 'Content-Type: application/json' --data-binary @- "$CHAT_WEBHOOK" >/dev/null
