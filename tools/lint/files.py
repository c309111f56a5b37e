#!/usr/bin/env python3
"""Checks what can be seen in a file's text without parsing it: the rules are the table RULES."""

import re
import sys

from common import ROOT, Exceptions, Tap, project_files

CXX = (".cc", ".h", ".c")
SCRIPTS = (".py", ".sh", "meson.build", "meson_options.txt")
MODEL = ("emu/", "kernel/", "devices/", "boards/")  # What decides a guest's run.
MAX_LINES = 700

# Words are put together here so that this file passes its own rules.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")\b")
HOST_PATH = re.compile(r"(?<![\w.$}/~-])/(home|root|work|Users|mnt)/\w")
URL = re.compile(r"\bhttps?:" + "//")
HOST_STATE = re.compile(
    r"#\s*include\s*<(chrono|random|thread|mutex|atomic|ctime|time\.h|sys/time\.h|iostream|fstream|unordered_map|"
    r"unordered_set)>|\b(getenv|clock_gettime|gettimeofday|getrandom|__rdtsc|__builtin_ia32_rdtsc|rand|srand)\s*\(")
THROW = re.compile(r"^\s*throw\b")


def each_line(pattern, message):
    def check(name, lines):
        return [f"{name}:{number}: {message}: {line.strip()}" for number, line in enumerate(lines, 1)
                if pattern.search(line)]
    return check


def starts_with_comment(name, lines):
    """The first line says what the file models; a .cc beside its own header may leave that to the header."""
    first = lines[0] if lines else ""
    if first.startswith(("//", "/*")):
        return []
    own_header = name[:-3] + ".h"
    if name.endswith(".cc") and first == f'#include "{own_header}"' and (ROOT / own_header).exists():
        return []
    return [f"{name}:1: open with a comment: what this models, by which document, and what it leaves out"]


def pragma_once(name, lines):
    text = re.sub(r"/\*.*?\*/|^//.*?$", "", "\n".join(lines), flags=re.DOTALL | re.MULTILINE)
    if re.match(r"\s*#pragma once$", text, flags=re.MULTILINE):
        return []
    return [f"{name}: `#pragma once` comes first after the opening comment"]


def clean_text(name, lines):
    wrong = [f"{name}:{n}: trailing space" for n, line in enumerate(lines, 1) if line != line.rstrip()]
    wrong += [f"{name}:{n}: a tab" for n, line in enumerate(lines, 1) if "\t" in line]
    if lines and not lines[-1].strip():
        wrong.append(f"{name}: empty lines at the end")
    return wrong


def not_too_long(name, lines):
    return [f"{name}: {len(lines)} lines; look for the second idea in it"] if len(lines) > MAX_LINES else []


def is_built(name, lines):
    """A test that no meson.build names is a test that never runs."""
    del lines
    path = ROOT / name
    for folder in [path.parent, *path.parent.parents]:
        build = folder / "meson.build"
        if build.exists() and f"'{path.relative_to(folder).as_posix()}'" in build.read_text():
            return []
        if folder == ROOT:
            break
    return [f"{name}: no meson.build names it, so that it is never built"]


def ends(*suffixes):
    return lambda name: name.endswith(suffixes)


def is_script(name):
    return name.endswith(SCRIPTS) or name in ("run", "check", ".ci/run") or name.startswith("tools/setup/")


def is_text(name):
    return name.endswith(CXX + SCRIPTS + (".S", ".ld", ".md", ".json", ".txt", ".toml", ".scd")) or is_script(name)


def is_model(name):
    return name.endswith((".cc", ".h")) and name.startswith(MODEL)


# name of the rule, files it is for, check
RULES = [
    ("header", ends(*CXX), starts_with_comment),
    ("once", ends(".h"), pragma_once),
    ("unfinished", is_text, each_line(UNFINISHED, "a gap is a line under `Not modelled`, or an issue")),
    ("host-path", is_text, each_line(HOST_PATH, "a path of one machine")),
    ("url", is_script, each_line(URL, "set-up names no host; packages come through their ordinary clients")),
    ("text", is_text, clean_text),
    ("built", ends("_test.cc"), is_built),
    ("length", ends(*CXX, ".py"), not_too_long),
    ("host-state", is_model, each_line(HOST_STATE, "a run must not depend on the host, or on an order by hash")),
    ("throw", is_model, each_line(THROW, "nothing throws across the run loop")),
]


def complaints(name, text, exceptions):
    lines = text.splitlines()
    wrong = [] if text.endswith("\n") or not text else [f"{name}: no newline at the end"]
    for rule, applies, check in RULES:
        if applies(name):
            found = check(name, lines)
            if found and not exceptions.allows(rule, name):
                wrong += [f"{line} [{rule}]" for line in found]
    return wrong


def main():
    exceptions = Exceptions()
    tap = Tap()
    for name in project_files():
        if is_text(name):
            tap.result(name, complaints(name, (ROOT / name).read_text(errors="replace"), exceptions))
    stale = [f"exceptions.txt: nothing needs `{rule} {name}`"
             for rule, name in exceptions.unused({rule for rule, _, _ in RULES})]
    tap.result("exceptions.txt", exceptions.errors + stale)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
