#!/usr/bin/env python3
"""Checks that every C and C++ file looks as clang-format makes it (.clang-format); --fix rewrites them."""

import concurrent.futures
import os
import shutil
import subprocess
import sys

from common import ROOT, Tap, cxx_files

TOOL = "clang-format-16"


def complaint(name):
    """None when `name` is well formatted, or else the change that would make it so."""
    shown = subprocess.run([TOOL, "--style=file", name], cwd=ROOT, capture_output=True, text=True)
    if shown.returncode != 0:
        return shown.stderr
    text = (ROOT / name).read_text()
    if shown.stdout == text:
        return None
    diff = subprocess.run(["diff", "-u", "--label", name, "--label", "formatted", name, "-"], cwd=ROOT,
                          input=shown.stdout, capture_output=True, text=True)
    return diff.stdout + "to fix: tools/lint/format.py --fix"


def main():
    if not shutil.which(TOOL):
        print(f"1..0 # SKIP {TOOL} is not installed")
        return 0
    names = cxx_files()
    if "--fix" in sys.argv[1:]:
        return subprocess.run([TOOL, "-i", *names], cwd=ROOT).returncode if names else 0
    tap = Tap()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, wrong in zip(names, pool.map(complaint, names)):
            tap.result(name, [wrong] if wrong else [])
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
