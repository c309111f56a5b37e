#!/usr/bin/env python3
"""Names the layout of a machine's saved state, as C++ (tools/jacinth/version.h).

    state_layout.py --root . --output state_layout.cc --depfile state_layout.d

State is declared by the code that has it (emu/state/archive.h), and means what that code makes of it. So the name is a
hash of that code: what any other build saved is refused, instead of being taken for what it is not. Comments count too;
a snapshot is for going on with the same program soon, not for keeping.
"""

import argparse
import hashlib
import pathlib

# Whatever a machine consists of; what only looks at it, or reads and writes files, does not count.
FOLDERS = ("emu", "kernel", "devices", "boards")
APART = ("emu/debug", "emu/replay", "emu/trace", "kernel/inspect")


def sources(root):
    """(files, folders that were looked into)"""
    files, folders = [], []
    for top in FOLDERS:
        for path in [root / top, *sorted((root / top).rglob("*"))]:
            name = path.relative_to(root).as_posix()
            if any(name == apart or name.startswith(apart + "/") for apart in APART):
                continue
            if path.is_dir():
                folders.append(path)
            elif path.suffix in (".h", ".cc", ".c", ".S", ".inc", ".json", ".in"):
                files.append(path)
    return files, folders


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, type=pathlib.Path)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--depfile", required=True, type=pathlib.Path)
    options = parser.parse_args()
    root = options.root.resolve()
    files, folders = sources(root)
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    options.output.write_text(
        "// Made by tools/gen/state_layout.py.\n"
        '#include "tools/jacinth/version.h"\n\n'
        "namespace jacinth::cli {\n\n"
        f'std::string_view state_layout() {{ return "{digest.hexdigest()[:16]}"; }}\n\n'
        "}  // namespace jacinth::cli\n", encoding="utf-8")
    names = " ".join(str(path).replace(" ", "\\ ") for path in files + folders)
    options.depfile.write_text(f"{options.output}: {names}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
