"""Writes the pages of docs/reference anew: each is what `jacinth reference PAGE` prints.

usage: reference.py PROGRAM [--check]

With --check nothing is written; pages that are out of date are named, and the exit code is 1.
"""

import pathlib
import subprocess
import sys

PAGES = ("boards", "cli", "exit-codes", "kernel-options", "syscalls")
FOLDER = pathlib.Path(__file__).resolve().parent.parent.parent / "docs/reference"


def main(program, check):
    stale = []
    for page in PAGES:
        text = subprocess.run([program, "reference", page], capture_output=True, text=True, check=True).stdout
        path = FOLDER / f"{page}.md"
        if check and (not path.exists() or path.read_text() != text):
            stale.append(page)
        elif not check:
            path.write_text(text)
    for page in stale:
        print(f"docs/reference/{page}.md is out of date: run tools/gen/reference.py PROGRAM")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--check" in sys.argv[2:]))
