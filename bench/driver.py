#!/usr/bin/env python3
"""Measures Jacinth against its peers and prints ratios. See docs/benchmarks.md."""

import argparse
import json
import pathlib
import sys

from measure import compare
from rows import Rows

RUNS = 5


def number(value):
    return "-" if value is None else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def verdict(row):
    if "failed" in row:
        return "FAILED"
    if "skipped" in row:
        return f"skipped: {row['skipped']}"
    if row["within"] is None:
        return ""
    return "ok" if row["within"] else "MISSED"


COLUMNS = [("name", 20, "<"), ("cost", 10, ">"), ("peer", 20, "<"), ("its cost", 10, ">"), ("ratio", 7, ">"),
           ("budget", 10, "<")]


def line(*cells):
    text = "  ".join(f"{cell:{align}{width}}" for cell, (_, width, align) in zip(cells, COLUMNS))
    return "  ".join([text, *cells[len(COLUMNS):]]).rstrip()


def print_rows(rows):
    for index, row in enumerate(rows):
        def cost(value):
            return "" if value is None else f"{number(value)} {row['unit']}"

        print(line(row["name"] if index == 0 else "", cost(row["value"]) if index == 0 else "", row["peer"] or "",
                   cost(row["peer_value"]), "" if row["ratio"] is None else f"{row['ratio']:.2f}", row["budget_text"],
                   verdict(row)))
    sys.stdout.flush()


class Progress:
    """One line on a terminal, rewritten; nothing elsewhere."""

    def __init__(self, name):
        self.name, self.shown = name, sys.stderr.isatty()

    def __call__(self, what):
        if self.shown:
            print(f"\r\033[K{self.name}: {what}", end="", file=sys.stderr, flush=True)

    def clear(self):
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("build", help=argparse.SUPPRESS)
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="comparisons whose names contain this")
    parser.add_argument("--runs", type=int, default=None, metavar="N", help=f"the median of N runs (default {RUNS})")
    parser.add_argument("--quick", action="store_true", help="one short run: shows that all works, measures nothing")
    parser.add_argument("--list", action="store_true", help="list the comparisons and end")
    parser.add_argument("--json", action="store_true", help="print rows for programs instead of the table")
    options = parser.parse_args()
    runs = options.runs or (1 if options.quick else RUNS)
    if runs < 1:
        parser.error("--runs needs at least one")

    comparisons = list(Rows(pathlib.Path(options.build).resolve()).all())
    for name in options.only:
        if not any(name in comparison.name for comparison in comparisons):
            parser.error(f"nothing has `{name}` in its name; --list shows the names")
    if options.only:
        comparisons = [each for each in comparisons if any(name in each.name for name in options.only)]
    if options.list:
        width = max(len(comparison.name) for comparison in comparisons)
        for comparison in comparisons:
            print(f"{comparison.name:<{width}}  {', '.join(peer.label for peer in comparison.peers)}".rstrip())
        return 0

    if not options.json:
        print(line(*(title for title, _, _ in COLUMNS)))
    rows = []
    for comparison in comparisons:
        progress = Progress(comparison.name)
        found = compare(comparison, runs, options.quick, progress)
        progress.clear()
        rows += found
        if not options.json:
            print_rows(found)
        for row in found:
            if "failed" in row:
                print(f"{row['name']}: {row['failed']}", file=sys.stderr)
    if options.json:
        json.dump(rows, sys.stdout, indent=1)
        print()
    else:
        judged = [row["within"] for row in rows if row["within"] is not None]
        print(f"{sum(judged)} of {len(judged)} budgets met" + ("; a quick run measures nothing" if options.quick else ""))
    return 1 if any("failed" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
