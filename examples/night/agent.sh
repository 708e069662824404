#!/bin/sh
# A stand-in for a coding agent. It prints the JSON lines of Claude Code with --output-format stream-json, and the files
# that it writes are real. What happens to it also happens to real agents:
#   task 1 has a mistake; the check that seqorch runs finds it, and the agent fixes it;
#   task 2 meets a limit; seqorch waits until it is over;
#   task 3 asks a question, and continues with the answer.
set -eu

if [ "${1:-}" = --version ]; then
    echo "stand-in 1.0"
    exit 0
fi
prompt=$(cat)
session=night-$SEQORCH_UNIT
asked() { printf '%s\n' "$prompt" | grep -q "$1"; }

text() { printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g' | tr '\n' ' '; }
record() {
    printf '{"type":"%s","session_id":"%s",%s}\n' "$1" "$session" "$2"
}
message() {
    record assistant "\"message\":{\"id\":\"m\",\"role\":\"assistant\",\"model\":\"stand-in-1\",\"content\":[$1]}"
}
say() { message "{\"type\":\"text\",\"text\":\"$(text "$1")$2\"}"; }
tool() {
    message "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"$1\",\"input\":{\"$2\":\"$(text "$3")\"}}"
    record user '"message":{"role":"user","content":[{"tool_use_id":"t","type":"tool_result","content":"done","is_error":false}]}'
}
# tokens in, tokens out, cost in dollars
finish() {
    used="{\"stand-in-1\":{\"inputTokens\":$1,\"outputTokens\":$2,\"costUSD\":$3}}"
    record result "\"subtype\":\"success\",\"is_error\":false,\"num_turns\":3,\"model_usage_since_last_result\":$used,\"result\":\"\""
    exit 0
}
limited() {
    until=$(($(date +%s) + $1))
    words="You've hit your 5-hour limit"
    record rate_limit_event "\"rate_limit_info\":{\"status\":\"rejected\",\"resetsAt\":$until,\"rateLimitType\":\"five_hour\"}"
    record assistant "\"message\":{\"id\":\"m\",\"role\":\"assistant\",\"model\":\"<synthetic>\",\"content\":[{\"type\":\"text\",\"text\":\"$words\"}]},\"error\":\"rate_limit\",\"is_api_error_message\":true,\"api_error_status\":429"
    record result "\"subtype\":\"success\",\"is_error\":true,\"num_turns\":1,\"api_error_status\":429,\"model_usage_since_last_result\":{},\"result\":\"$words\""
    exit 1
}
think() { sleep "${NIGHT_PAUSE:-1}"; }
done_='\n\n<promise>TASK_DONE</promise>'
halt='\n\n<promise>HALT</promise>'

record system "\"subtype\":\"init\",\"cwd\":\"$(text "$PWD")\",\"model\":\"stand-in-1\",\"claude_code_version\":\"0.0.0\""
case $SEQORCH_UNIT in
1)
    say 'I will write note.sh with add and list.' ''
    think
    tool Write file_path note.sh
    arrow='>'
    # the mistake of the first attempt: it overwrites the notes instead of adding one
    asked 'What went wrong before\|does not succeed' && arrow='>>'
    cat >note.sh <<END
#!/bin/sh
# Keeps notes, one a line, in the file that NOTES names.
notes=\${NOTES:-notes.txt}
case \${1:-} in
add) printf '%s\\n' "\$2" $arrow "\$notes" ;;
list) cat "\$notes" ;;
*) echo 'usage: note.sh add TEXT | list' >&2; exit 64 ;;
esac
END
    chmod +x note.sh
    say 'note.sh can add and list.' "$done_"
    finish 5210 812 0.0312
    ;;
2)
    [ -e .limited ] || { touch .limited; limited "${NIGHT_LIMIT:-6}"; }
    rm -f .limited
    say 'I add find, which does not mind upper case.' ''
    think
    tool Edit file_path note.sh
    sed -i.old 's/^list) .*/&\
find) grep -i -- "$2" "$notes" ;;/' note.sh
    rm -f note.sh.old
    say 'note.sh can find.' "$done_"
    finish 6120 640 0.0287
    ;;
3)
    if asked 'The human answered\|answered'; then
        say 'So a note is deleted for good.' ''
        think
        tool Edit file_path note.sh
        sed -i.old 's/^list) .*/&\
delete) sed -i.old "$2d" "$notes"; rm -f "$notes.old" ;;/' note.sh
        rm -f note.sh.old
        say 'note.sh can delete.' "$done_"
        finish 7015 702 0.0334
    fi
    think
    say 'The design does not say what becomes of a deleted note. Is it deleted at once, or moved to a trash?' "$halt"
    finish 4100 210 0.0155
    ;;
4)
    say 'I describe the four verbs.' ''
    think
    tool Write file_path README.md
    cat >README.md <<'END'
# note.sh

    ./note.sh add 'Buy milk'
    ./note.sh list
    ./note.sh find milk
    ./note.sh delete 1
END
    say 'README.md is written.' "$done_"
    finish 3900 350 0.0141
    ;;
esac
say "I know tasks 1 to 4 only. What should task $SEQORCH_UNIT do?" "$halt"
finish 100 20 0.0010
