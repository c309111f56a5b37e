"""record, replay and trace as their users meet them: what comes back, what is refused, and what a kill leaves."""

import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from jacinth import ARCHITECTURES, PROGRAM, guest, jacinth  # noqa: E402

DIVERGING = os.environ["JACINTH_DIVERGING"]


class Recordings(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.file = os.path.join(self.folder.name, "run.jtrace")

    def record(self, *arguments):
        return jacinth("record", "-o", self.file, *arguments)

    def test_a_replay_is_the_run_again(self):
        for arch in ARCHITECTURES:
            recorded = self.record(guest("hello", arch))
            self.assertEqual(recorded.returncode, 0)
            replayed = jacinth("replay", self.file)
            self.assertEqual(replayed.returncode, 0)
            self.assertEqual(replayed.stdout, recorded.stdout)
            self.assertRegex(replayed.stderr, r"^jacinth replay: \d+ events are as they were recorded, and the machine's end\n$")

    def test_run_records_too_and_says_nothing_of_it(self):
        plain = jacinth("run", guest("hello"))
        recorded = jacinth("run", "--record", self.file, guest("hello"))
        self.assertEqual((recorded.returncode, recorded.stdout, recorded.stderr),
                         (plain.returncode, plain.stdout, plain.stderr))
        self.assertEqual(jacinth("replay", self.file).returncode, 0)

    def test_what_was_injected_is_injected_again(self):
        for arch in ARCHITECTURES:
            recorded = self.record("--inject=port:error=ZX_ERR_NO_MEMORY:when=2+3", guest("ports", arch))
            self.assertNotEqual(recorded.stdout, jacinth("run", guest("ports", arch)).stdout)
            replayed = jacinth("replay", self.file)
            self.assertEqual((replayed.returncode, replayed.stdout), (recorded.returncode, recorded.stdout))
            self.assertIn("the machine's end", replayed.stderr)
            lines = [line for line in jacinth("trace", self.file).stdout.splitlines() if "INJECTED" in line]
            self.assertTrue(lines)
            self.assertTrue(all("= ZX_ERR_NO_MEMORY (INJECTED)" in line for line in lines), lines)

    def test_the_recording_is_called_after_the_program(self):
        result = jacinth("record", guest("hello"), cwd=self.folder.name)
        self.assertEqual(result.returncode, 0)
        self.assertEqual(os.listdir(self.folder.name), ["hello.jtrace"])

    def test_the_exit_code_of_a_replay_is_the_runs(self):
        self.assertEqual(self.record(guest("crasher"), "null-read").returncode, 170)
        replayed = jacinth("replay", self.file)
        self.assertEqual(replayed.returncode, 170)

    def test_a_trace_is_what_strace_would_have_printed(self):
        for arch in ARCHITECTURES:
            traced = jacinth("run", "--strace=-", guest("ports", arch)).stdout
            said = jacinth("run", guest("ports", arch)).stdout.splitlines()
            self.record(guest("ports", arch))
            trace = jacinth("trace", self.file)
            self.assertEqual(trace.returncode, 0)
            self.assertEqual(trace.stdout.splitlines(), [line for line in traced.splitlines() if line not in said])

    def test_a_trace_of_some_calls_and_into_a_file(self):
        self.record(guest("ports"))
        output = os.path.join(self.folder.name, "calls.txt")
        result = jacinth("trace", "--calls=zx_port_*", "-o", output, self.file)
        self.assertEqual((result.returncode, result.stdout), (0, ""))
        calls = re.findall(r" (zx_\w+)\(", pathlib.Path(output).read_text())
        self.assertTrue(calls)
        self.assertTrue(all(call.startswith("zx_port_") for call in calls), calls)

    def trace(self, *options):
        result = jacinth("trace", *options, self.file)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.splitlines()

    def test_a_trace_of_one_thread_and_of_some_time(self):
        self.record(guest("demo"))
        lines = self.trace()
        threads = sorted({line.split()[0] for line in lines if ":" in line.split()[0]})
        self.assertGreater(len(threads), 1)
        process, thread = threads[-1].split(":")
        self.assertEqual(self.trace("--task", thread), [line for line in lines if line.startswith(threads[-1] + " ")])
        both = self.trace("--task", f"{process},{thread}")
        self.assertEqual(both, [line for line in lines if line.startswith((process + ":", process + " "))])
        at = float(lines[len(lines) // 2].split()[1])
        late = self.trace(f"--from={at:.9f}s")
        early = self.trace(f"--until={at:.9f}s")
        self.assertTrue(late and early)
        self.assertTrue(all(float(line.split()[1]) >= at for line in late if "resumed" not in line))
        self.assertTrue(all(float(line.split()[1]) <= at for line in early if "resumed" not in line))

    def test_a_trace_of_what_failed_and_of_what_did_not(self):
        self.record(guest("ports"))
        for option, wanted in (("-Z", False), ("-z", True)):
            calls = [line for line in self.trace(option) if re.search(r" zx_\w+\(", line)]
            self.assertTrue(calls)
            for line in calls:
                self.assertEqual(" = ZX_ERR_" not in line, wanted, line)
                self.assertNotIn("unfinished", line)

    def test_a_table_of_calls_counts_what_the_lines_show(self):
        self.record(guest("ports"))
        lines = [line for line in self.trace() if re.search(r"\) = ", line)]
        table = self.trace("-c")
        self.assertEqual(table[0].split(), ["%", "time", "seconds", "nsecs/call", "calls", "errors", "syscall"])
        total = table[-1].split()
        self.assertEqual(int(total[3]), len(lines))
        failed = sum(" = ZX_ERR_" in line for line in lines)
        self.assertEqual(int(total[4]), failed)
        ports = [row.split() for row in table if row.endswith(" zx_port_create")]
        self.assertEqual(int(ports[0][3]), sum(" zx_port_create(" in line for line in lines))

    def test_a_wrong_filter_gives_2(self):
        self.record(guest("hello"))
        for option in ("--task=first", "--from=yesterday", "--calls=zx_nothing_of_the_kind", "--tsk=1"):
            self.assertEqual(jacinth("trace", option, self.file).returncode, 2, option)

    def test_a_mistake_is_found_at_its_call(self):
        lines = jacinth("run", "--strace=-", guest("ports")).stdout.splitlines()
        ended = [line for line in lines if re.search(r"\) = [^?]", line)]
        name = re.search(r"(zx_\w+)", ended[6]).group(1)
        for level in ("digests", "full"):
            self.record(f"--record-level={level}", guest("ports"))
            result = subprocess.run([DIVERGING, "replay", self.file], capture_output=True, text=True, timeout=100)
            self.assertEqual(result.returncode, 175, result.stderr)
            self.assertRegex(result.stderr, r"event \d+ is not what was recorded")
            recorded = re.search(r"recorded: .*?(zx_\w+)", result.stderr).group(1)
            replayed = re.search(r"replayed: .*?(zx_\w+)", result.stderr).group(1)
            self.assertEqual((recorded, replayed), (name, name), result.stderr)
            if level == "full":
                self.assertIn("not what was recorded: the result\n", result.stderr)

    def test_without_events_a_mistake_shows_at_the_end(self):
        self.record("--record-level=none", guest("ports"))
        self.assertEqual(jacinth("replay", self.file).returncode, 0)
        result = subprocess.run([DIVERGING, "replay", self.file], capture_output=True, text=True, timeout=100)
        self.assertEqual(result.returncode, 175, result.stderr)
        self.assertIn("the hash of all that happened was", result.stderr)

    def test_a_program_that_is_not_in_the_recording_is_looked_for(self):
        program = os.path.join(self.folder.name, "program")
        pathlib.Path(program).write_bytes(pathlib.Path(guest("hello")).read_bytes())
        os.chmod(program, 0o755)
        self.assertEqual(self.record("--no-embed", program).returncode, 0)
        self.assertLess(os.path.getsize(self.file), 3000)
        self.assertEqual(jacinth("replay", self.file).returncode, 0)
        elsewhere = os.path.join(self.folder.name, "elsewhere")
        os.rename(program, elsewhere)
        result = jacinth("replay", self.file)
        self.assertEqual(result.returncode, 127)
        self.assertIn("--program", result.stderr)
        self.assertEqual(jacinth("replay", "--program", elsewhere, self.file).returncode, 0)
        result = jacinth("replay", "--program", guest("ports"), self.file)
        self.assertEqual(result.returncode, 126)
        self.assertIn("not the program that was recorded", result.stderr)

    def test_libraries_that_are_not_in_the_recording_are_looked_for(self):
        folder = os.path.dirname(guest("linked"))
        recorded = self.record("--no-embed", f"--libs={folder}", "--stdio=debuglog", guest("linked"))
        self.assertEqual(recorded.returncode, 0, recorded.stderr)
        result = jacinth("replay", self.file)
        self.assertEqual(result.returncode, 126)
        self.assertIn("--libs", result.stderr)
        replayed = jacinth("replay", f"--libs={folder}", self.file)
        self.assertEqual(replayed.returncode, 0, replayed.stderr)
        self.assertEqual(replayed.stdout, recorded.stdout)

    def test_what_is_typed_at_the_console_is_part_of_the_recording(self):
        typed = os.path.join(self.folder.name, "typed.txt")
        pathlib.Path(typed).write_text("hello\n")
        plain = jacinth("run", "--root", "--console-input", typed, guest("console"))
        recorded = self.record("--root", "--console-input", typed, guest("console"))
        os.remove(typed)
        replayed = jacinth("replay", self.file)
        self.assertEqual(replayed.returncode, plain.returncode, replayed.stderr)
        self.assertEqual((recorded.stdout, replayed.stdout), (plain.stdout, plain.stdout))
        self.assertIn("and the machine's end", replayed.stderr)

    def test_what_is_no_recording_is_refused_in_a_line(self):
        for content in (b"", b"\x7fELF", b"jacinth trace\n", b"jacinth trace\n\x01\x00", b"jacinth trace\n\x09\x00"):
            pathlib.Path(self.file).write_bytes(content)
            for command in ("replay", "trace"):
                result = jacinth(command, self.file)
                self.assertEqual(result.returncode, 126, content)
                self.assertEqual(len(result.stderr.strip().splitlines()), 1)
                self.assertIn("run.jtrace", result.stderr)
        self.assertEqual(jacinth("replay", os.path.join(self.folder.name, "none")).returncode, 127)
        self.assertEqual(jacinth("replay").returncode, 2)

    def test_a_damaged_recording_is_named_or_replays_and_never_crashes(self):
        self.record("--record-level=full", guest("ports"))
        whole = pathlib.Path(self.file).read_bytes()
        chance = random.Random(7)
        for _ in range(60):
            damaged = bytearray(whole)
            if chance.random() < 0.3:
                del damaged[chance.randrange(len(damaged)):]
            for _ in range(chance.randrange(3)):
                if damaged:
                    damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            pathlib.Path(self.file).write_bytes(damaged)
            result = jacinth("replay", self.file)
            self.assertIn(result.returncode, (0, 126), result.stderr)

    def test_a_killed_recorder_leaves_what_it_had_written(self):
        process = subprocess.Popen([PROGRAM, "record", "-o", self.file, "--record-level=full", guest("bench_null_call"),
                                    "100000000"], stdout=subprocess.DEVNULL)
        while not os.path.exists(self.file) or os.path.getsize(self.file) < 200_000:
            time.sleep(0.02)
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGKILL)
        process.wait()
        result = jacinth("replay", self.file)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, r"\d{4,} events are as they were recorded, up to where the recording was cut off")

    def test_an_interrupted_run_replays_up_to_the_interruption(self):
        process = subprocess.Popen([PROGRAM, "record", "-o", self.file, guest("bench_null_call"), "100000000"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(self.file) or os.path.getsize(self.file) < 40_000:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(), 130)
        result = jacinth("replay", self.file)
        self.assertEqual(result.returncode, 130)
        self.assertIn("up to where the run was ended (interrupted)", result.stderr)

    def test_a_limit_keeps_the_beginning_and_a_ring_the_end(self):
        for option in ([], ["--record-ring"]):
            result = self.record("--record-level=full", "--no-embed", "--record-limit=64K", *option,
                                 guest("bench_null_call"), "200000")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertLess(os.path.getsize(self.file), 70_000)
            replayed = jacinth("replay", self.file)
            self.assertEqual(replayed.returncode, 0, replayed.stderr)
        self.assertEqual(self.record("--record-ring", guest("hello")).returncode, 2)

    def test_a_full_disk_ends_the_recording_and_on_request_the_run(self):
        arguments = ("--record-level=full", guest("bench_null_call"), "200000")
        result = jacinth("record", "-o", "/dev/full", *arguments)
        self.assertEqual(result.returncode, 0)
        self.assertIn("the recording is not complete: No space left on device", result.stderr)
        result = jacinth("record", "-o", "/dev/full", "--on-record-error=stop", *arguments)
        self.assertEqual(result.returncode, 176)
        result = jacinth("record", "-o", "/nowhere/at/all", guest("hello"))
        self.assertEqual(result.returncode, 2)


if __name__ == "__main__":
    unittest.main()
