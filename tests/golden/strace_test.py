"""Golden strace output and other views. Runs are deterministic, so the text must be the same to the letter.

The guest is named from its own folder: argv[0] is what the user typed, so a longer path is a different message.

Set JACINTH_REGENERATE=1 to write what the program prints now; then read the difference before committing it.
"""

import os
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from jacinth import ARCHITECTURES, GUESTS, jacinth  # noqa: E402

PROGRAMS = ("hello", "ports", "crasher")
# Of a program whose views are short enough to read.
VIEWS = ("jsonl", "chrome", "folded", "table")


class Golden(unittest.TestCase):
    def compare(self, name, arch):
        path = HERE / f"{name}.{arch}.txt"
        text = jacinth("run", "--strace=-", "--color=never", name, cwd=GUESTS / arch).stdout
        if os.environ.get("JACINTH_REGENERATE"):
            path.write_text(text)
        self.maxDiff = None
        self.assertEqual(text.splitlines(), path.read_text().splitlines())


    def compare_view(self, name, form, arch):
        path = HERE / f"{name}.{arch}.{form}"
        text = jacinth("run", f"--strace-format={form}", "-o", "-", "--color=never", name, cwd=GUESTS / arch).stdout
        if os.environ.get("JACINTH_REGENERATE"):
            path.write_text(text)
        self.maxDiff = None
        self.assertEqual(text.splitlines(), path.read_text().splitlines())


def case(name, arch):
    return lambda self: self.compare(name, arch)


def view_case(name, form, arch):
    return lambda self: self.compare_view(name, form, arch)


for program in PROGRAMS:
    for architecture in ARCHITECTURES:
        setattr(Golden, f"test_strace_of_{program}_on_{architecture}", case(program, architecture))
for form in VIEWS:
    for architecture in ARCHITECTURES:
        setattr(Golden, f"test_{form}_of_hello_on_{architecture}", view_case("hello", form, architecture))
