#!/bin/sh
# A stand-in for a coding agent. seqorch passes the prompt on stdin, and the task in SEQORCH_UNIT.
# A real agent reads the spec and thinks; this one knows the three tasks. The files that it writes are real.
set -eu

if [ "${1:-}" = --version ]; then
    echo "stand-in 1.0"
    exit 0
fi
prompt=$(cat)
say() { printf '%s\n' "$*"; }

say "I do task $SEQORCH_UNIT of the spec $SEQORCH_SPEC (attempt $SEQORCH_ATTEMPT)."
say "My prompt has $(printf '%s\n' "$prompt" | wc -l | tr -d ' ') lines."

case $SEQORCH_UNIT in
1)
    say "Writing greet.sh ..."
    cat >greet.sh <<'END'
#!/bin/sh
# Greets the given name, or the world.
printf 'Hello, %s!\n' "${1:-world}"
END
    chmod +x greet.sh
    say "Trying it: $(./greet.sh Ada)"
    ;;
2)
    say "Writing test.sh ..."
    cat >test.sh <<'END'
#!/bin/sh
# Checks what greet.sh prints.
cd "$(dirname "$0")" || exit 1
check() {
    if [ "$1" = "$2" ]; then
        echo "ok   $2"
    else
        echo "FAIL expected '$2', got '$1'"
        exit 1
    fi
}
check "$(./greet.sh)" 'Hello, world!'
check "$(./greet.sh Ada)" 'Hello, Ada!'
check "$(./greet.sh 'Grace Hopper')" 'Hello, Grace Hopper!'
END
    chmod +x test.sh
    say "Running it:"
    ./test.sh
    ;;
3)
    say "Writing README.md ..."
    cat >README.md <<'END'
# greet

    ./greet.sh        # Hello, world!
    ./greet.sh Ada    # Hello, Ada!
    ./test.sh         # checks both
END
    say "Running the test:"
    ./test.sh
    ;;
*)
    # an agent that cannot continue asks the user instead of guessing
    say "I know tasks 1 to 3 only. What should task $SEQORCH_UNIT do?"
    say "<promise>HALT</promise>"
    exit 0
    ;;
esac

say "All parts of task $SEQORCH_UNIT are done."
say "<promise>TASK_DONE</promise>"
