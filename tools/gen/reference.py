#!/usr/bin/env python3
"""The pages of docs/reference are made from the program itself.

    reference.py build/jacinth --write   writes them anew
    reference.py build/jacinth           says (as TAP) which are out of date
"""

import argparse
import difflib
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "docs/reference"
PAGES = ["cli", "exit-codes", "boards", "syscalls"]


def page(jacinth, name):
    return subprocess.run([jacinth, "reference", name], check=True, capture_output=True, text=True).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jacinth")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.write:
        FOLDER.mkdir(exist_ok=True)
        for name in PAGES:
            (FOLDER / f"{name}.md").write_text(page(options.jacinth, name), encoding="utf-8")
        return 0
    print(f"1..{len(PAGES)}")
    failed = False
    for number, name in enumerate(PAGES, 1):
        path = FOLDER / f"{name}.md"
        written = path.read_text(encoding="utf-8") if path.exists() else ""
        now = page(options.jacinth, name)
        print(f"{'ok' if now == written else 'not ok'} {number} - docs/reference/{name}.md is up to date")
        if now != written:
            failed = True
            for line in difflib.unified_diff(written.splitlines(), now.splitlines(), "written", "now", lineterm=""):
                print(f"#   {line}")
            print("#   to fix: tools/gen/reference.py build/jacinth --write")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
