"""What the lints share: the project's files, their exceptions, and results as TAP, one line per file."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SKIPPED_FOLDERS = {".git", ".deps", "__pycache__"}


def project_files(root=ROOT):
    """Every file of the project, sorted, as paths relative to the root: what git tracks or would add."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-coz", "--exclude-standard"],
                            capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        names = listed.stdout.split("\0")
        return sorted({name for name in names if name and (root / name).is_file()})
    found = []  # Not a clone: an unpacked archive, or a test's folder.
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS and not f.startswith("build")]
        found += [str(pathlib.Path(folder, name).relative_to(root)) for name in names]
    return sorted(found)


def cxx_files(root=ROOT, suffixes=(".cc", ".h", ".c")):
    return [name for name in project_files(root) if name.endswith(suffixes)]


class Exceptions:
    """exceptions.txt: `rule path  # reason`. A row that nothing needs any more is an error too."""

    def __init__(self, path=ROOT / "tools/lint/exceptions.txt"):
        self.rows = set()
        self.used = set()
        self.errors = []
        if not path.exists():
            return
        for number, line in enumerate(path.read_text().splitlines(), 1):
            entry, _, reason = line.partition("#")
            if not entry.strip():
                continue
            fields = entry.split()
            if len(fields) != 2 or not reason.strip():
                self.errors.append(f"{path.name}:{number}: expected `rule path  # reason`")
                continue
            self.rows.add(tuple(fields))

    def allows(self, rule, name):
        if (rule, name) not in self.rows:
            return False
        self.used.add((rule, name))
        return True

    def unused(self, rules):
        return sorted(row for row in self.rows - self.used if row[0] in rules)


class Tap:
    """Prints TAP 12: one line per test, the complaints below a failed one as comments."""

    def __init__(self, out=sys.stdout):
        self.out = out
        self.count = 0
        self.failed = 0

    def result(self, name, complaints=(), skip=None):
        self.count += 1
        complaints = list(complaints)
        self.failed += bool(complaints)
        directive = f" # SKIP {skip}" if skip else ""
        print(f"{'not ok' if complaints else 'ok'} {self.count} - {name.replace('#', '+')}{directive}", file=self.out)
        for complaint in complaints:
            for line in str(complaint).splitlines():
                print(f"#   {line}", file=self.out)
        self.out.flush()

    def finish(self):
        print(f"1..{self.count}", file=self.out)
        return 1 if self.failed else 0
