#!/usr/bin/env python3
"""Records one guest program's run and makes the run again from the recording alone, elsewhere.

    replay_guest.py --jacinth build/jacinth [--option=OPTION...] -- build/guests/arm64/hello ARGS...

Both levels of recording. The replay must say that all is as it was, with the same output and exit code as the run, and
the recorded run must be the one that nobody records. So must a replay that is saved on the way, and goes on each time with
what was loaded on another machine.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile


# At the events that end a run there may be nothing left to move.
MOVED = re.compile(rb"recorded, with the run saved and loaded [123] times on the way, and the machine's end")


def run(command, folder=None):
    return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jacinth", required=True, help="the program under test")
    parser.add_argument("--option", action="append", default=[], help="an option for `jacinth run`; may be repeated")
    parser.add_argument("guest", nargs="+", help="the program and its arguments")
    options = parser.parse_args()
    jacinth = str(pathlib.Path(options.jacinth).resolve())

    plain = run([jacinth, "run", *options.option, "--", *options.guest])
    with tempfile.TemporaryDirectory() as folder:
        for level in ("digests", "full"):
            file = pathlib.Path(folder) / f"{level}.jtrace"
            recorded = run([jacinth, "record", "-o", file, f"--record-level={level}", *options.option, "--",
                            *options.guest])
            replayed = run([jacinth, "replay", file.name], folder)
            moved = run([jacinth, "replay", "--save-load=3", file.name], folder)
            complaints = []
            for what, result in (("the recorded run", recorded), ("the replay", replayed), ("the one that was moved", moved)):
                if result.returncode != plain.returncode:
                    complaints.append(f"{what}: exit code {result.returncode}, not {plain.returncode}")
                if result.stdout != plain.stdout:
                    complaints.append(f"{what}: the output is not the plain run's")
            if b"events are as they were recorded, and the machine's end" not in replayed.stderr:
                complaints.append("the replay does not say that it is the same run")
            if not MOVED.search(moved.stderr):
                complaints.append("the replay that was saved and loaded does not say that it is the same run")
                replayed = moved
            if complaints:
                print(f"level {level}, guest", " ".join(options.guest))
                print("\n".join(complaints))
                print("--- standard error of the replay\n" + replayed.stderr.decode(errors="backslashreplace"), end="")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
