#!/usr/bin/env python3
"""Runs one guest program and compares what comes of it with what shall.

    run_guest.py --jacinth build/jacinth --exit 0 --output expected.txt -- build/guests/arm64/hello ARGS...

--output: the whole standard output, byte for byte. --last-line: a pattern that its last line matches.
Prints the difference and exits with 1 when something else came.
"""

import argparse
import difflib
import re
import subprocess
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jacinth", required=True, help="the program under test")
    parser.add_argument("--option", action="append", default=[], help="an option for `jacinth run`; may be repeated")
    parser.add_argument("--exit", type=int, default=0, help="the exit code that shall come")
    parser.add_argument("--output", help="a file with the standard output that shall come")
    parser.add_argument("--last-line", help="a regular expression for the last line of standard output")
    parser.add_argument("guest", nargs="+", help="the program and its arguments")
    options = parser.parse_args()

    command = [options.jacinth, "run", *options.option, "--", *options.guest]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output = result.stdout.decode(errors="backslashreplace")
    complaints = []
    if result.returncode != options.exit:
        complaints.append(f"exit code {result.returncode}, not {options.exit}")
    if options.output is not None:
        wanted = open(options.output, encoding="utf-8").read()
        complaints += difflib.unified_diff(wanted.splitlines(), output.splitlines(), "expected", "got", lineterm="")
        if not complaints and wanted != output:
            complaints.append("the output differs in its line ends")
    if options.last_line is not None:
        last = output.rstrip("\n").rpartition("\n")[2]
        if not re.fullmatch(options.last_line, last):
            complaints.append(f"the last line is {last!r}, which {options.last_line!r} does not match")
    if complaints:
        print("command:", " ".join(command))
        print("\n".join(complaints))
        print("--- standard output\n" + output, end="")
        print("--- standard error\n" + result.stderr.decode(errors="backslashreplace"), end="")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
