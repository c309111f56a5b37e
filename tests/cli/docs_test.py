"""What the README and docs/ tell people to type works, and prints what they say it prints.

A `console` block is commands (`$ `) with all they print, both streams together; a line of `...` stands for any lines.
In an `sh` block every line that starts Jacinth is run, and must not end as a mistake of whoever typed it.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

from jacinth import PROGRAM  # noqa: E402

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(console|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MISTAKES = (2, 125, 126, 127)


def blocks(page, kind):
    return [match.group(2) for match in BLOCK.finditer(page.read_text()) if match.group(1) == kind]


def commands(block):
    """(command, lines that it prints) for each `$ ` of a console block."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def agrees(lines, wanted):
    """Whether `lines` are the wanted ones, where a wanted `...` is any number of lines."""
    if not wanted:
        return not lines
    if wanted[0] == "...":
        return any(agrees(lines[skipped:], wanted[1:]) for skipped in range(len(lines) + 1))
    return bool(lines) and lines[0] == wanted[0] and agrees(lines[1:], wanted[1:])


class Docs(unittest.TestCase):
    def setUp(self):
        # The commands are typed at the root of a checkout that has been built; this one may be built elsewhere.
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = pathlib.Path(folder.name)
        (self.place / "build").symlink_to(pathlib.Path(PROGRAM).parent)
        (self.place / "tests").symlink_to(ROOT / "tests")

    def type(self, script):
        return subprocess.run(["bash", "-c", script], cwd=self.place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=300, check=False, env={**os.environ, "NO_COLOR": "1"})

    def test_a_session_prints_what_the_page_shows(self):
        for page in PAGES:
            for block in blocks(page, "console"):
                before = ""
                for command, wanted in commands(block):
                    # Later commands see what earlier ones left behind: `echo $?`.
                    result = self.type(f"{{ {before}}} >/dev/null 2>&1\n{command}" if before else command)
                    before += f"{command}\n"
                    with self.subTest(page=page.name, command=command):
                        self.assertTrue(agrees(result.stdout.splitlines(), wanted), f"$ {command}\n{result.stdout}")

    def test_commands_are_ones_that_there_are(self):
        for page in PAGES:
            for line in "\n".join(blocks(page, "sh")).splitlines():
                if not line.startswith("build/jacinth "):
                    continue
                with self.subTest(page=page.name, command=line):
                    result = self.type(line)
                    self.assertNotIn(result.returncode, MISTAKES, f"$ {line}\n{result.stdout}")


if __name__ == "__main__":
    unittest.main()
