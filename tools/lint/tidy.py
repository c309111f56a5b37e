#!/usr/bin/env python3
"""Runs clang-tidy (.clang-tidy) over every .cc file of a build folder, and remembers what was clean.

usage: tidy.py BUILD_FOLDER [FILE...]

A file's result holds as long as clang-tidy, its configuration, the command, the file and every project header that it
includes are the same to the byte; the headers are those that the last build noted. Clean results are kept in
$XDG_CACHE_HOME/jacinth/tidy, so that a fresh clone profits too.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from common import ROOT, Tap, project_files

TOOL = "clang-tidy-16"
KEEP_SECONDS = 30 * 24 * 3600
# libstdc++ 12 has <expected> only where __cpp_concepts says 202002L, and clang 16 says less although it can.
EXTRA = ["-U__cpp_concepts", "-D__cpp_concepts=202002L", "-Wno-builtin-macro-redefined", "-Wno-unknown-warning-option"]


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    folder = pathlib.Path(base) / "jacinth" / "tidy"
    folder.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        if time.time() - entry.stat().st_mtime > KEEP_SECONDS:
            entry.unlink(missing_ok=True)
    return folder


def noted_headers(build):
    """Object file -> what it was compiled from, as ninja noted it."""
    listed = subprocess.run(["ninja", "-C", str(build), "-t", "deps"], capture_output=True, text=True).stdout
    headers, current = {}, None
    for line in listed.splitlines():
        if line.startswith(" "):
            current.append(line.strip())
        elif ": #deps" in line:
            valid = line.endswith("(VALID)")
            current = []
            if valid:
                headers[line.split(": #deps")[0]] = current
    return headers


def content_hash(path, known={}):
    if path not in known:
        known[path] = hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b"gone"
    return known[path]


def key_of(entry, build, headers, common):
    """The name of the cached result, or None when we don't know what the file includes."""
    files = headers.get(entry["output"])
    if files is None:
        return None
    digest = hashlib.sha256(common)
    digest.update(entry["command"].replace(str(ROOT), "").encode())
    for name in sorted({(build / name).resolve() for name in files}):
        if ROOT in name.parents:  # The system's headers change with its packages: see `common`.
            digest.update(str(name.relative_to(ROOT)).encode() + content_hash(name))
    return digest.hexdigest()


def tidy(entry, build):
    command = [TOOL, "--quiet", "-p", str(build), *[f"--extra-arg={arg}" for arg in EXTRA], entry["path"]]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if ran.returncode == 0:
        return []
    return [ran.stdout.replace(str(ROOT) + "/", "").replace(f"{build.name}/../", "") or ran.stderr]


def main():
    if len(sys.argv) < 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    if not shutil.which(TOOL):
        print(f"1..0 # SKIP {TOOL} is not installed")
        return 0
    build = pathlib.Path(sys.argv[1]).resolve()
    chosen = {str(pathlib.Path(name).resolve().relative_to(ROOT)) for name in sys.argv[2:]}

    entries = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if path.suffix != ".cc" or ROOT not in path.parents or build in path.parents:
            continue
        entry["path"] = str(path.relative_to(ROOT))
        if not chosen or entry["path"] in chosen:
            entries.setdefault(entry["path"], entry)

    version = subprocess.run([TOOL, "--version"], capture_output=True).stdout
    packages = subprocess.run(["dpkg-query", "-W", "libstdc++-12-dev", "libfmt-dev", "catch2"], capture_output=True)
    common = version + packages.stdout + " ".join(EXTRA).encode()
    common += b"".join((ROOT / name).read_bytes() for name in project_files() if name.endswith(".clang-tidy"))
    headers = noted_headers(build)
    cache = cache_folder()

    def check(name):
        key = key_of(entries[name], build, headers, common)
        if key and (cache / key).exists():
            (cache / key).touch()
            return []
        wrong = tidy(entries[name], build)
        if key and not wrong:
            (cache / key).touch()
        return wrong

    tap = Tap()
    jobs = int(os.environ.get("JOBS") or os.cpu_count() or 1)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for name, wrong in zip(sorted(entries), pool.map(check, sorted(entries))):
            tap.result(name, wrong)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
