#!/usr/bin/env python3
"""Checks every #include against the table of layers.txt."""

import re
import sys

from common import ROOT, Exceptions, Tap, cxx_files

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


class Layers:
    def __init__(self, text):
        self.rows = {}  # folder -> (folders named, exactly these)
        self.only = []  # (prefix of a <header>, folder)
        self.errors = []
        for number, line in enumerate(text.splitlines(), 1):
            line = line.partition("#")[0].strip()
            if not line:
                continue
            if match := re.fullmatch(r"only <(\S+) in (\S+)", line):
                self.only.append(match.groups())
            elif match := re.fullmatch(r"(\S+?):(=?)((?:\s+\S+)*)", line):
                folder, exactly, named = match.groups()
                if folder in self.rows:
                    self.errors.append(f"line {number}: {folder} has two rows")
                self.rows[folder] = (named.split(), bool(exactly))
            else:
                self.errors.append(f"line {number}: can't read `{line}`")
        for folder, (named, _) in self.rows.items():
            self.errors += [f"{folder} names {other}, which has no row" for other in named if other not in self.rows]
        if not self.errors:
            self.errors += [f"{folder} leads back to itself" for folder in self.rows
                            if any(folder in self.reach(other) for other in self.rows[folder][0])]

    def row_of(self, path):
        """The longest row that begins `path`: as a folder, or as a file's name up to its suffix."""
        best = None
        for folder in self.rows:
            if (path.startswith(folder + "/") or path.startswith(folder + ".")) and len(folder) > len(best or ""):
                best = folder
        return best

    def reach(self, folder):
        """What files in `folder` may include, itself among them."""
        seen, waiting = set(), [folder]
        while waiting:
            here = waiting.pop()
            if here in seen:
                continue
            seen.add(here)
            named, exactly = self.rows[here]
            if exactly and here == folder:
                seen.update(named)
            else:
                waiting += named
        return seen

    def complaints(self, path, text):
        """What is wrong with the includes of the file `path`."""
        row = self.row_of(path)
        if row is None:
            return [f"{path}: no row of layers.txt covers it"]
        reach = self.reach(row)
        wrong = []
        for number, line in enumerate(text.splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quote, header = match.groups()
            where = f"{path}:{number}: "
            if quote == "<":
                wrong += [f"{where}<{header}> is for {folder} only" for prefix, folder in self.only
                          if header.startswith(prefix) and not (path + "/").startswith((folder + "/", folder + "."))]
                continue
            target = self.row_of(header)
            if target is None:
                wrong.append(f'{where}"{header}" is no path from the root that layers.txt knows')
            elif target not in reach:
                wrong.append(f"{where}{row} may not include {target} ({header})")
        return wrong


def main():
    layers = Layers((ROOT / "tools/lint/layers.txt").read_text())
    exceptions = Exceptions()
    tap = Tap()
    tap.result("layers.txt", layers.errors)
    if not layers.errors:
        for name in cxx_files():
            complaints = layers.complaints(name, (ROOT / name).read_text(errors="replace"))
            if complaints and exceptions.allows("layers", name):
                complaints = []
            tap.result(name, complaints)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
