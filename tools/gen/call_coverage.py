#!/usr/bin/env python3
"""Writes tools/jacinth/call_coverage.tsv anew: which failures and options of each call the unit tests have seen.

usage: call_coverage.py TESTS_PROGRAM [--check]

With --check nothing is written; what differs is named, and the exit code is 1.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

FILE = pathlib.Path(__file__).resolve().parent.parent / "jacinth/call_coverage.tsv"
SHOWN = 20


def observe(program):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "coverage.tsv"
        ran = subprocess.run([program], env={**os.environ, "JACINTH_CALL_COVERAGE": str(path)}, capture_output=True,
                             text=True)
        if ran.returncode != 0:
            sys.exit(f"call_coverage.py: the tests failed\n{ran.stdout[-4000:]}{ran.stderr}")
        return path.read_text(encoding="utf-8")


def main(program, check):
    seen = observe(program)
    if not check:
        FILE.write_text(seen, encoding="utf-8")
        return 0
    is_now, was = set(seen.splitlines()), set(FILE.read_text(encoding="utf-8").splitlines())
    for title, lines in (("no longer so", was - is_now), ("new", is_now - was)):
        for line in sorted(lines)[:SHOWN]:
            print(f"{title}: {line}")
    if is_now != was:
        print("tools/jacinth/call_coverage.tsv is out of date: run tools/gen/call_coverage.py TESTS_PROGRAM")
    return 1 if is_now != was else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--check" in sys.argv[2:]))
