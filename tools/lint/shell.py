#!/usr/bin/env python3
"""Runs shellcheck over every shell script."""

import shutil
import subprocess
import sys

from common import ROOT, Tap, project_files

SHEBANGS = ("#!/bin/bash", "#!/bin/sh", "#!/usr/bin/env bash")


def is_shell(name):
    if name.endswith(".sh"):
        return True
    with open(ROOT / name, "rb") as file:
        return file.readline().decode(errors="replace").strip() in SHEBANGS


def main():
    if not shutil.which("shellcheck"):
        print("1..0 # SKIP shellcheck is not installed")
        return 0
    tap = Tap()
    for name in filter(is_shell, project_files()):
        ran = subprocess.run(["shellcheck", "-x", "-P", str(ROOT), name], cwd=ROOT, capture_output=True, text=True)
        tap.result(name, [ran.stdout + ran.stderr] if ran.returncode else [])
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
