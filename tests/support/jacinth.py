"""The program under test and the guests, for Python tests. Meson says where they are (tests/meson.build)."""

import os
import pathlib
import subprocess

PROGRAM = os.environ["JACINTH"]
GUESTS = pathlib.Path(os.environ["JACINTH_GUESTS"])
ARCHITECTURES = ("arm64", "x86_64")


def guest(name, arch="arm64"):
    return str(GUESTS / arch / name)


def jacinth(*arguments, **options):
    """Runs it to its end; `.returncode`, `.stdout` and `.stderr` are what a shell would see."""
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=100, check=False, **options)
