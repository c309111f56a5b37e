#!/usr/bin/env python3
"""Gathers what shows that a system call works, as C++ (tools/jacinth/call_tests.h).

Two kinds of tests: Catch2 cases that bear the call's name as a tag, TEST_CASE("...", "[zx_port_wait]"), and guest
programs' TEST("...") bodies that look at what the call gives, `expect_ok(zx_port_wait(...))`, or that name it in a
comment where it gives nothing or a helper makes it: `// [zx_cprng_draw]`.

And for each failure and each option that the data of the ABI name, a unit test that saw it: tools/jacinth/call_coverage.tsv
has these, as tools/gen/call_coverage.py wrote it.
"""

import argparse
import pathlib
import re
import sys

import abi

CASE = re.compile(r'TEST_CASE\(\s*("(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*)\s*,\s*((?:"[^"]*"\s*)+)')
TAG = re.compile(r"\[(zx_\w+)\]")
GUEST_TEST = re.compile(r'^TEST\(("(?:[^"\\]|\\.)*")\)', re.MULTILINE)
COMPARED = re.compile(r"(?:\b(?:expect|require)\w*\(|=)\s*(zx_\w+)\s*\(")


def text_of(literals):
    """The text of one string literal or several in a row."""
    return "".join(part.replace('\\"', '"').replace("\\\\", "\\") for part in re.findall(r'"((?:[^"\\]|\\.)*)"', literals))


def unit_tests(name, source):
    for literals, tags in CASE.findall(source):
        for call in TAG.findall(tags):
            yield call, f"{name}: {text_of(literals)}"


def guest_tests(name, source):
    found = list(GUEST_TEST.finditer(source))
    for test, following in zip(found, found[1:] + [None]):
        body = source[test.end():following.start() if following else len(source)]
        for call in COMPARED.findall(body) + TAG.findall(body):
            yield call, f"{name}: {text_of(test.group(1))}"


def gather(root):
    """(rows, files that were looked at)"""
    rows, files = set(), []
    for folder, suffix, tests in (("tests", "_test.cc", unit_tests), ("guests", ".cc", guest_tests)):
        for path in sorted((root / folder).rglob("*" + suffix)):
            files.append(path)
            name = path.relative_to(root).as_posix()
            rows |= set(tests(name.removesuffix(".cc"), path.read_text(encoding="utf-8")))
        files += sorted((root / folder).rglob("meson.build"))
    return sorted(rows), files


def documented(call):
    """What a call may fail with: status -> when. The data leave out what follows from the types of the arguments."""
    errors = {}
    if call.number is None or call.return_type != "zx_status_t" and call.result != "status_or_count":
        return errors
    handles = [argument for argument in call.arguments if argument.is_handle and argument.direction != "out"]
    if handles:
        errors["ZX_ERR_BAD_HANDLE"] = "a handle that names nothing"
    if any(argument.object_types for argument in handles):
        errors["ZX_ERR_WRONG_TYPE"] = "a handle of another type"
    if any(argument.rights for argument in handles) or call.row.get("more_rights"):
        errors["ZX_ERR_ACCESS_DENIED"] = "a handle without the rights for it"
    if call.row.get("job_policy"):
        errors["ZX_ERR_ACCESS_DENIED"] = "the job's policy forbids it"
    if any(argument.pointer and not argument.row.get("faults") for argument in call.arguments):
        errors["ZX_ERR_INVALID_ARGS"] = "a pointer to no memory of the caller's"
    if any(argument.row.get("faults") for argument in call.arguments):
        errors["ZX_ERR_NOT_FOUND"] = "a buffer in no memory of the caller's"
        errors["ZX_ERR_ACCESS_DENIED"] = "a handle without the rights for it, or a buffer that may not be accessed so"
    for status, when in call.row.get("errors", {}).items():
        errors[status] = when + ("; " + errors[status] if status in errors else "")
    return errors


def options_of(call, sets):
    """The names of all values that its arguments may have, where these have names."""
    names = []
    for argument in call.arguments:
        if not argument.pointer and argument.value.kind in ("flags", "enum"):
            only = argument.row.get("only")
            names += [name for name, value, options in sets[argument.value.param].values
                      if not options.get("alias") and (value or argument.value.kind == "enum")
                      and (only is None or name in only)]
    return sorted(set(names))


def facts(model, covered):
    """(call, 'kError' or 'kOption', name, when, test) for each failure and option."""
    for call in model.calls:
        for status, when in sorted(documented(call).items()):
            yield call.name, "kError", status, when, covered.get((call.name, status), "")
        if call.number is not None and "noreturn" not in call.attributes:
            for name in options_of(call, model.sets):
                yield call.name, "kOption", name, "", covered.get((call.name, name), "")


def read_coverage(path):
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return {(call, name): test for call, name, test in rows}


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, type=pathlib.Path)
    parser.add_argument("--coverage", required=True, type=pathlib.Path)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--depfile", type=pathlib.Path)
    options = parser.parse_args()
    rows, files = gather(options.root)
    try:
        model = abi.Model(options.root / "kernel/abi/data")
    except abi.DataError as error:
        sys.exit(f"call_tests.py: {error}")
    files += sorted((options.root / "kernel/abi/data").glob("*.json"))
    lines = ["// Generated by tools/gen/call_tests.py.", '#include "tools/jacinth/call_tests.h"', "",
             "namespace jacinth::cli {", "namespace {", "", "constexpr CallTest kCallTests[] = {"]
    lines += [f"    {{{quote(call)}, {quote(test)}}}," for call, test in rows]
    lines += ["    {},", "};", "", "constexpr CallFact kCallFacts[] = {"]
    lines += [f"    {{{quote(call)}, CallFact::Kind::{kind}, {quote(name)}, {quote(when)}, {quote(test)}}},"
              for call, kind, name, when, test in facts(model, read_coverage(options.coverage))]
    lines += ["};", "", "}  // namespace", "",
              "std::span<const CallTest> call_tests() { return std::span(kCallTests).first(std::size(kCallTests) - 1); }",
              "std::span<const CallFact> call_facts() { return kCallFacts; }",
              "", "}  // namespace jacinth::cli"]
    options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if options.depfile:
        escaped = " ".join(str(path).replace(" ", "\\ ") for path in files)
        options.depfile.write_text(f"{options.output}: {escaped}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
