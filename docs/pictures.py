#!/usr/bin/env python3
"""Makes the pictures of the README from a real run of examples/night: the live view as SVG, the report as PNG.

    cargo build --release && docs/pictures.py target/release/seqorch

Needs tmux, git and Chromium. It uses its own tmux server and a temporary folder."""
import html
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PICTURES = HERE.parent / ".github/pictures"
SOCKET = f"seqorch-pictures-{os.getpid()}"
WIDTH, HEIGHT = 104, 26
CELL, LINE = 8.43, 18
# The colours of a common dark terminal; the program itself only names them.
COLOURS = ["#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9"]
TEXT, BACK, DIM = "#d8dee9", "#1b1f27", "#8a93a3"


def tmux(*args):
    return subprocess.run(["tmux", "-L", SOCKET, *args], capture_output=True, text=True, check=False).stdout


def style(codes, now):
    """The style after the codes of one escape sequence."""
    now = dict(now)
    codes = [int(code or 0) for code in codes.split(";")]
    while codes:
        code = codes.pop(0)
        if code == 0:
            now = {}
        elif code in (38, 48) and codes[:1] == [5]:
            if code == 38:
                now["colour"] = COLOURS[codes[1] % 8]
            del codes[:2]
        elif code in (1, 2, 4, 7):
            now[{1: "bold", 2: "dim", 4: "line", 7: "inverse"}[code]] = True
        elif 30 <= code <= 37 or 90 <= code <= 97:
            now["colour"] = COLOURS[code % 10]
        elif code == 39:
            now.pop("colour", None)
        elif code in (22, 24, 27):
            for name in {22: ("bold", "dim"), 24: ("line",), 27: ("inverse",)}[code]:
                now.pop(name, None)
    return now


def spans(line, now):
    """The pieces of a line: text and style. Also gives the style at its end."""
    found = []
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if code:
            now = style(code[1], now)
        elif part:
            found.append((re.sub(r"\x1b.", "", part), now))
    return found, now


def svg(screen):
    wide, high = WIDTH * CELL + 32, HEIGHT * LINE + 32
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{high:.0f}" viewBox="0 0 {wide:.0f} {high:.0f}"'
        ' role="img" aria-label="seqorch: the live view of a run">',
        "<title>seqorch: the live view of a run</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{BACK}"/>',
        '<g font-family="ui-monospace, DejaVu Sans Mono, monospace" font-size="14">',
    ]
    now = {}
    for row, line in enumerate(screen.split("\n")[:HEIGHT]):
        pieces, now = spans(line, now)
        column = 0
        for text, how in pieces:
            fill = how.get("colour", DIM if how.get("dim") else TEXT)
            x, y = 16 + column * CELL, 30 + row * LINE
            if how.get("inverse"):
                out.append(f'<rect x="{x:.1f}" y="{y - 14:.1f}" width="{len(text) * CELL:.1f}" height="{LINE}" fill="{fill}"/>')
                fill = BACK
            bold = ' font-weight="bold"' if how.get("bold") else ""
            # words apart, so that no program that draws it has to keep spaces
            for word in re.finditer(r"\S+(?: \S+)*", text):
                at, long = x + word.start() * CELL, len(word[0]) * CELL
                out.append(f'<text x="{at:.1f}" y="{y}" fill="{fill}"{bold} textLength="{long:.1f}">{html.escape(word[0])}</text>')
            column += len(text)
    return "\n".join([*out, "</g>", "</svg>", ""])


def wait_for(what, so):
    until = time.time() + 120
    while not so():
        if time.time() > until:
            sys.exit(f"{what} did not happen")
        time.sleep(0.05)


def main():
    seqorch = pathlib.Path(sys.argv[1]).resolve()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        sys.exit("Chromium is missing")
    with tempfile.TemporaryDirectory() as folder:
        project = pathlib.Path(folder) / "notes"
        shutil.copytree(HERE.parent / "examples/night", project)
        (project / "seqorch.local.toml").write_text(f'[tmux]\nsocket = "{SOCKET}"\nsize = "{WIDTH}x{HEIGHT}"\n')
        home = pathlib.Path(folder) / "home"
        home.mkdir()
        env = {**os.environ, "HOME": str(home), "SEQORCH_TRUST": "1", "NIGHT_PAUSE": "2", "TERM": "xterm-256color"}
        for name in ("TMUX", "NO_COLOR", "XDG_CONFIG_HOME"):
            env.pop(name, None)
        for args in (["init", "-q"], ["config", "user.name", "you"], ["config", "user.email", "you@localhost"],
                     ["add", "-A"], ["commit", "-qm", "Before the run"]):
            subprocess.run(["git", *args], cwd=project, env=env, check=True)
        run = subprocess.Popen([seqorch, "run"], cwd=project, env=env, stdout=subprocess.DEVNULL)
        try:
            screen = lambda: tmux("capture-pane", "-e", "-p", "-t", "seqorch-example-notes:main")
            # task 2 at work, with task 1 done after two attempts
            wait_for("the second task", lambda: "▶ 2" in re.sub(r"\x1b\[[0-9;]*m", "", screen()))
            time.sleep(0.7)
            (PICTURES / "live.svg").write_text(svg(screen()))
            run.wait(120)
        finally:
            run.kill()
            tmux("kill-server")
        page = pathlib.Path(folder) / "report.html"
        subprocess.run([seqorch, "report", "--html", page], cwd=project, env=env, check=True)
        subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}/chromium",
                        "--window-size=1100,950", f"--screenshot={PICTURES / 'report.png'}", page.as_uri()],
                       check=True, capture_output=True)
    print(f"made {PICTURES / 'live.svg'} and {PICTURES / 'report.png'}")


main()
