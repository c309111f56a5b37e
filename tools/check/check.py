#!/usr/bin/env python3
"""Runs every test, step by step, and counts them. The last line is `N passed, N failed`, with `, N skipped` if any.

usage: ./check [-v] [--list] [--only STEP]...

A test is one line of TAP where a program prints TAP (unit tests, lints), or else one program that Meson knows (`test()`
in a meson.build). Its first suite is the step it runs in; it also runs in the step `sanitize` if that is one of its
suites (the build with address and undefined-behaviour sanitizers), and in the step `saveload` (JACINTH_SAVE_LOAD=1: the
rigs and the machine save and load their state between any two steps).

JOBS=N uses N processes at once.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TAP_LINE = re.compile(r"(not )?ok\b\s*\d*\s*(?:- )?([^#]*?)\s*(?:#\s*(SKIP|skip)\b\s*(.*))?$")
TAP_PLAN = re.compile(r"1\.\.(\d+)\s*(?:#\s*(?:SKIP|skip)\b\s*(.*))?$")
# The suites that must have tests, in the order of their steps; others come after them by name, and `slow` ones last.
SUITES = {
    "lint": "layers, layout and text of the files, and that the lints find what they should",
    "unit": "the unit tests",
    "guest": "programs that run inside, on both boards",
    "replay": "the same programs recorded, and each run made again",
    "golden": "output that must stay as it is",
    "cli": "the command line: options, exit codes, bad input",
    "debug": "real debuggers on programs that run inside, forwards and backwards",
    "tools": "set-up and this runner",
}
SLOW_SUITES = {
    "tidy": "clang-tidy",
    "bench": "the benchmarks, one quick round, so that they can't rot",
}
SHOWN_LINES = 200


class Result:
    """One test: its name, `passed`, `failed` or `skipped`, and what it had to say."""

    def __init__(self, name, outcome, detail="", seconds=0.0):
        self.name, self.outcome, self.detail, self.seconds = name, outcome, detail, seconds


def read_tap(name, text, failed, how_it_ended, seconds=0.0):
    """The results in a program's TAP. `failed` says that the program as a whole did, whatever its lines claim."""
    results, plan, running = [], None, ""
    for line in text.splitlines():
        if match := TAP_LINE.match(line):
            not_ok, title, skip, reason = match.groups()
            outcome = "failed" if not_ok else "skipped" if skip else "passed"
            results.append(Result(title or f"{name} {len(results) + 1}", outcome, reason or ""))
            running = ""
        elif match := TAP_PLAN.match(line):
            plan = int(match.group(1))
            if plan == 0 and not results:
                results.append(Result(name, "skipped", match.group(2) or "it says there is nothing to test"))
                plan = 1
        elif line.startswith("#   "):
            if results and results[-1].outcome == "failed" and not running:
                results[-1].detail += line[4:] + "\n"
        elif line.startswith("# "):
            running = line[2:]
    if plan is None or plan != len(results):
        where = f" in `{running}`" if running else ""
        results.append(Result(name, "failed", f"stopped{where} after {len(results)} tests: {how_it_ended}"))
    elif failed and not any(result.outcome == "failed" for result in results):
        results.append(Result(name, "failed", how_it_ended))
    if results:
        results[0].seconds = seconds
    return results


def read_test(record, protocol):
    """The results of one line of Meson's testlog.json."""
    name = record["name"].rpartition(" / ")[2]
    outcome, seconds = record["result"], record.get("duration", 0.0)
    out, err = record.get("stdout") or "", record.get("stderr") or ""
    ended = {"TIMEOUT": f"it took longer than allowed ({seconds:.0f} s)", "INTERRUPT": "it was interrupted"}.get(
        outcome, f"it ended with status {record.get('returncode')}")
    failed = outcome not in ("OK", "SKIP", "EXPECTEDFAIL")
    if protocol == "tap":
        results = read_tap(name, out, failed, ended, seconds)
        if err and any(result.name == name and result.outcome == "failed" for result in results):
            results[-1].detail += "\n" + err
        return results
    if outcome == "SKIP":
        reason = (out + err).strip().splitlines()
        return [Result(name, "skipped", reason[-1] if reason else "it exited with 77", seconds)]
    return [Result(name, "failed" if failed else "passed", f"{ended}\n{out}{err}" if failed else "", seconds)]


def known_tests(build):
    """Meson's tests: name -> what it says of them."""
    tests = {}
    for test in json.loads((build / "meson-info/intro-tests.json").read_text()):
        test["suites"] = [suite.rpartition(":")[2] for suite in test["suite"]]
        tests[test["name"]] = test
    return tests


class Checker:
    def __init__(self):
        self.build = ROOT / "build"
        self.logs = self.build / "check"

    def run(self, command, **options):
        return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, **options)

    def build_folder(self, name, *options):
        """Builds; a failure was already shown by the script, so its detail is short."""
        ran = self.run(["tools/setup/build", name, *options])
        return [] if ran.returncode == 0 else [Result(f"build of {name}", "failed", "see above")]

    def suite(self, suite, build=None, label=None, **environment):
        """Runs the tests of one suite and returns their results."""
        build = build or self.build
        tests = {name: test for name, test in known_tests(build).items() if suite in test["suites"]}
        if not tests:
            return [Result(suite, "failed", "no test has this suite")]
        log = f"check-{label or suite}"
        record = build / "meson-logs" / f"{log}.json"
        record.unlink(missing_ok=True)
        command = ["meson", "test", "-C", str(build), "--no-rebuild", "--suite", suite, "--logbase", log]
        if jobs := os.environ.get("JOBS"):
            command += ["--num-processes", jobs]
        ran = self.run(command, capture_output=True, text=True, env={**os.environ, **environment})
        results, seen = [], set()
        several = len(tests) > 1
        for line in record.read_text().splitlines() if record.exists() else []:
            entry = json.loads(line)
            name = entry["name"].rpartition(" / ")[2]
            seen.add(name)
            found = read_test(entry, tests[name]["protocol"] if name in tests else "exitcode")
            for result in found if several else []:
                if result.name != name:
                    result.name = f"{name}: {result.name}"
            results += found
        for name in sorted(set(tests) - seen):
            results.append(Result(name, "failed", "it did not run\n" + ran.stdout + ran.stderr))
        return results

    # The steps.

    def compile(self):
        return self.build_folder("build") or [Result("build", "passed")]

    def sanitize(self):
        folder = "build-sanitize"
        failed = self.build_folder(folder, "-Dsanitize=address,undefined", "-Doptimization=1")
        return failed or self.suite("sanitize", build=ROOT / folder, label="sanitize",
                                    UBSAN_OPTIONS="print_stacktrace=1", ASAN_OPTIONS="detect_stack_use_after_return=1")

    def saveload(self):
        return self.suite("saveload", label="saveload", JACINTH_SAVE_LOAD="1")

    def main_job(self):
        """./run as a new user types it: it ends well and shows something."""
        ran = self.run(["./run"], capture_output=True, text=True)
        good = ran.returncode == 0 and ran.stdout.strip()
        return [Result("./run", "passed" if good else "failed",
                       "" if good else f"status {ran.returncode}\n{ran.stdout}{ran.stderr}")]

    def install(self):
        """Installs into a folder of its own and runs the program from there."""
        target = self.logs / "installed"
        self.run(["rm", "-rf", str(target)])
        ran = self.run(["meson", "install", "-C", str(self.build), "--no-rebuild", "--destdir", str(target)],
                       capture_output=True, text=True)
        if ran.returncode != 0:
            return [Result("meson install", "failed", ran.stdout + ran.stderr)]
        results = [Result("meson install", "passed")]
        installed = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
        for what, end in [("program", "/bin/jacinth"), ("man page", "/man1/jacinth.1"),
                          ("bash completion", "/bash-completion/completions/jacinth"),
                          ("zsh completion", "/zsh/site-functions/_jacinth"),
                          ("fish completion", "/fish/vendor_completions.d/jacinth.fish")]:
            found = any(name.endswith(end) for name in installed)
            results.append(Result(f"{what} is installed", "passed" if found else "failed",
                                  "" if found else f"nothing ends with {end} among\n" + "\n".join(installed)))
        program = next(iter(target.rglob("bin/jacinth")), None)
        if program:
            ran = self.run([str(program), "--version"], capture_output=True, text=True)
            good = ran.returncode == 0 and ran.stdout.startswith("jacinth ")
            results.append(Result("the installed program tells its version", "passed" if good else "failed",
                                  "" if good else f"status {ran.returncode}\n{ran.stdout}{ran.stderr}"))
        return results

    def add_suites(self, steps, suites):
        for suite, what in suites.items():
            steps[suite] = (what, lambda suite=suite: self.suite(suite))

    def steps(self):
        """name -> (what it does, how), in order."""
        others = set()
        if (self.build / "meson-info/intro-tests.json").exists():
            others = {test["suites"][0] for test in known_tests(self.build).values()} - {*SUITES, *SLOW_SUITES}
        steps = {"build": ("the release build in build/", self.compile)}
        self.add_suites(steps, SUITES)
        self.add_suites(steps, {suite: f"the tests of suite {suite}" for suite in sorted(others)})
        steps["saveload"] = ("saving and loading between any two steps", self.saveload)
        steps["run"] = ("./run, the main job", self.main_job)
        steps["install"] = ("meson install, and what it installed", self.install)
        self.add_suites(steps, SLOW_SUITES)
        steps["sanitize"] = ("address and undefined-behaviour sanitizers", self.sanitize)
        return steps


class Report:
    """Counts, and prints as the steps end."""

    def __init__(self, verbose):
        self.verbose = verbose
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.failures = []

    def step(self, name, results, seconds):
        counts = {outcome: sum(result.outcome == outcome for result in results) for outcome in self.counts}
        for outcome, count in counts.items():
            self.counts[outcome] += count
        skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
        print(f"{name:<10} {counts['passed']} passed, {counts['failed']} failed{skipped}  ({seconds:.1f} s)")
        for result in results:
            if result.outcome == "failed":
                self.failures.append(f"{name}: {result.name}")
                print(f"  FAILED {result.name}")
                lines = result.detail.strip().splitlines()
                for line in lines[:SHOWN_LINES]:
                    print(f"    {line}")
                if len(lines) > SHOWN_LINES:
                    print(f"    ... {len(lines) - SHOWN_LINES} lines more, in build*/meson-logs/")
            elif result.outcome == "skipped":
                print(f"  skipped {result.name}: {result.detail}")
            elif self.verbose:
                took = f"  ({result.seconds:.1f} s)" if result.seconds >= 0.1 else ""
                print(f"  passed {result.name}{took}")
        sys.stdout.flush()

    def finish(self):
        if self.failures:
            print("\nfailed:")
            for failure in self.failures:
                print(f"  {failure}")
        skipped = f", {self.counts['skipped']} skipped" if self.counts["skipped"] else ""
        print(f"{self.counts['passed']} passed, {self.counts['failed']} failed{skipped}")
        sys.stdout.flush()
        return 1 if self.counts["failed"] or not self.counts["passed"] else 0


def main():
    parser = argparse.ArgumentParser(prog="./check", description=__doc__.partition("\n")[0])
    parser.add_argument("-v", "--verbose", action="store_true", help="name every test")
    parser.add_argument("--list", action="store_true", help="list the steps and end")
    parser.add_argument("--only", action="append", default=[], metavar="STEP", help="this step (and the build) only")
    options = parser.parse_args()

    checker = Checker()
    report = Report(options.verbose)
    begin = time.monotonic()

    def do(name, action):
        print(f"{name} ...", file=sys.stderr) if sys.stderr.isatty() else None
        started = time.monotonic()
        results = action()
        report.step(name, results, time.monotonic() - started)
        return all(result.outcome != "failed" for result in results)

    if options.list:
        for name, (what, _) in checker.steps().items():
            print(f"{name:<10} {what}")
        return 0
    try:
        built = do("build", checker.compile)
        steps = checker.steps()
        checker.logs.mkdir(parents=True, exist_ok=True)
        if unknown := [name for name in options.only if name not in steps]:
            print(f"check: no step `{unknown[0]}`; there are {' '.join(steps)}", file=sys.stderr)
            return 2
        for name, (_, action) in steps.items():
            # Without a build only what needs none says something useful.
            if name == "build" or (options.only and name not in options.only) or (not built and name != "lint"):
                continue
            do(name, action)
    except KeyboardInterrupt:
        report.step("check", [Result("check", "failed", "interrupted")], time.monotonic() - begin)
        report.finish()
        return 130
    print(f"\nin {time.monotonic() - begin:.0f} s")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
