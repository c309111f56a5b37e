"""Snapshots as their users meet them: a run that goes on is the run that never stopped, and what is refused."""

import json
import os
import pathlib
import resource
import signal
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from jacinth import ARCHITECTURES, guest, jacinth  # noqa: E402

# No two runs take the same time.
HOST_TIME = "host_time_ns"


class Snapshots(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.file = self.path("run.jsnap")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def summary(self, *arguments, **options):
        """The run, and its account without what the host had to do with it."""
        result = jacinth("run", "--summary", self.path("summary.json"), *arguments, **options)
        account = json.loads(pathlib.Path(self.path("summary.json")).read_text(encoding="utf-8"))
        del account[HOST_TIME]
        return result, account

    def save(self, *arguments, at="1us", **options):
        return jacinth("run", "--save-at", at, self.file, *arguments, **options)

    def refused(self, code, pattern, *arguments):
        result = jacinth("run", *arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertRegex(result.stderr, pattern)
        self.assertEqual(result.stderr.count("\n"), 1)
        self.assertEqual(result.stdout, "")

    def test_a_run_goes_on_as_if_it_had_never_stopped(self):
        for arch in ARCHITECTURES:
            for name in ("hello", "channels", "ports", "demo", "exceptions", "processes"):
                with self.subTest(arch=arch, name=name):
                    plain, account = self.summary(guest(name, arch))
                    for part in (0, 1, 5, 9):
                        at = f"{account['virtual_time_ns'] * part // 10}ns"
                        saved, same = self.summary("--save-at", at, self.file, guest(name, arch))
                        self.assertEqual((saved.returncode, saved.stdout, saved.stderr),
                                         (plain.returncode, plain.stdout, plain.stderr))
                        self.assertEqual(same, account)
                        rest, same = self.summary("--from", self.file)
                        self.assertEqual(rest.returncode, plain.returncode)
                        self.assertTrue(plain.stdout.endswith(rest.stdout))
                        self.assertTrue(plain.stderr.endswith(rest.stderr))
                        self.assertEqual(same, account)

    def test_the_rest_of_strace_is_what_it_would_have_been(self):
        plain = jacinth("run", "--strace=-", guest("events")).stdout.splitlines()
        self.save(guest("events"), at=f"{self.summary(guest('events'))[1]['virtual_time_ns'] // 2}ns")
        rest = jacinth("run", "--strace=-", "--from", self.file).stdout.splitlines()
        self.assertGreater(len(rest), 10)
        # A call that waited then has had its first half printed.
        self.assertEqual(rest[-10:], plain[-10:])

    def test_several_snapshots_of_one_run_and_of_one_that_went_on(self):
        jacinth("run", "--save-at", "2ms", self.path("b"), "--save-at", "1ms", self.path("a"), guest("demo"))
        plain, account = self.summary(guest("demo"))
        for name in ("a", "b"):
            self.assertEqual(self.summary("--from", self.path(name))[1], account)
        again = jacinth("run", "--from", self.path("a"), "--save-at", "3ms", self.path("c"))
        self.assertEqual(again.returncode, plain.returncode)
        self.assertEqual(self.summary("--from", self.path("c"))[1], account)

    def test_a_recording_that_begins_at_a_snapshot_can_be_replayed_elsewhere(self):
        for level in ("digests", "full"):
            self.save(guest("channels"), at="500us")
            trace = self.path("run.jtrace")
            recorded = jacinth("record", "-o", trace, "--record-level", level, "--from", self.file)
            os.remove(self.file)
            replayed = jacinth("replay", trace)
            self.assertEqual((replayed.returncode, replayed.stdout), (recorded.returncode, recorded.stdout))
            self.assertIn("events are as they were recorded, and the machine's end", replayed.stderr)
            self.assertIn("zx_channel_write", jacinth("trace", trace).stdout)

    def test_a_debugger_begins_there(self):
        self.save(guest("channels"), at="500us")
        result = jacinth("debug", "--from", self.file, "-e", "when", "-e", "next-call", "-e", "rstep")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("0.0005", result.stdout)

    def test_a_limit_of_time_counts_from_the_machines_beginning_and_stays(self):
        self.assertEqual(self.save("--time-limit=2ms", guest("demo"), at="1ms").returncode, 124)
        self.assertEqual(jacinth("run", "--from", self.file).returncode, 124)
        self.assertEqual(jacinth("run", "--from", self.file, "--time-limit=1h").returncode, 0)

    def test_input_that_was_there_is_in_the_snapshot_and_the_rest_comes_from_who_is_there_now(self):
        program = (f"--libs={pathlib.Path(guest('linked')).parent}", guest("linked_streams"))
        words = self.path("words")
        pathlib.Path(words).write_text("one\ntwo\n", encoding="utf-8")
        plain = jacinth("run", f"--stdin={words}", *program)
        saved = self.save(f"--stdin={words}", *program, at="10us")
        self.assertEqual((saved.returncode, saved.stdout), (plain.returncode, plain.stdout))
        os.remove(words)
        rest = jacinth("run", "--from", self.file, "--stdin=none")
        self.assertEqual(rest.returncode, plain.returncode, rest.stderr)
        self.assertTrue(plain.stdout.endswith(rest.stdout))
        # A pipe: nobody had written to it by then.
        plain = jacinth("run", *program, input="one\ntwo\n")
        self.save(*program, at="10us", input="one\ntwo\n")
        rest = jacinth("run", "--from", self.file, input="one\ntwo\n")
        self.assertEqual(rest.returncode, plain.returncode, rest.stderr)
        self.assertTrue(plain.stdout.endswith(rest.stdout))

    def test_folders_are_opened_again_and_missed_when_they_are_gone(self):
        folder = self.path("data")
        os.mkdir(folder)
        program = (f"--libs={pathlib.Path(guest('linked')).parent}", f"--dir=/data={folder}", guest("linked"))
        plain = jacinth("run", *program)
        self.save(*program, at="10us")
        rest = jacinth("run", "--from", self.file)
        self.assertEqual(rest.returncode, plain.returncode, rest.stderr)
        os.rmdir(folder)
        self.refused(2, "--dir: .*/data is no folder any more", "--from", self.file)

    def test_what_a_snapshot_says_nobody_else_may_say(self):
        self.save(guest("hello"))
        for option in ("--seed=1", "--cpus=1", "--ram=64M", "--board=virt-arm64", "--root", "--env=A=B", "--aslr=off",
                       "--kernel-arg=aslr.disable=true", "--dir=/a=/tmp", "--libs=/tmp", "--stdio=sockets",
                       "--console-input=/dev/null", "--on-unsupported=stop"):
            name = option.split("=")[0]
            self.refused(2, f"--from and {name} do not go together", "--from", self.file, option)
        self.refused(2, "--from takes no program and no arguments, and there is 'hello'", "--from", self.file, "hello")
        self.refused(126, "it is a snapshot: --from goes on from there", self.file)

    def test_a_time_that_the_run_does_not_reach_gives_none(self):
        result = self.save(guest("hello"), at="1h")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stderr, r"^jacinth run: --save-at 1h|3600s: .*run.jsnap: the run was over before")
        self.assertEqual(os.listdir(self.folder.name), [])

    def test_a_file_that_cannot_be_written_is_said_before_the_run_or_at_its_time(self):
        self.refused(2, "--save-at: /nowhere/run.jsnap: No such file or directory", "--save-at", "1us",
                     "/nowhere/run.jsnap", guest("hello"))
        self.refused(2, "--save-at: .* it is a directory", "--save-at", "1us", self.folder.name, guest("hello"))
        self.refused(2, "--save-at: ", "--save-at", "soon", self.file, guest("hello"))
        self.refused(2, "--save-at", "--save-at", "1us")

    def test_a_full_disk_costs_the_snapshot_and_not_the_run(self):
        plain = jacinth("run", guest("hello"))
        pathlib.Path(self.file).write_text("what was there before", encoding="utf-8")

        def limit_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

        limited = jacinth("run", "--save-at", "1us", self.file, guest("hello"), preexec_fn=limit_files)
        self.assertEqual((limited.returncode, limited.stdout), (176, plain.stdout))
        self.assertRegex(limited.stderr, r"^jacinth run: --save-at .*: the snapshot was not saved: File too large\n$")
        self.assertEqual(os.listdir(self.folder.name), ["run.jsnap"])
        self.assertEqual(pathlib.Path(self.file).read_text(encoding="utf-8"), "what was there before")

    def test_other_files_and_damaged_ones_are_refused_by_the_frame(self):
        self.refused(127, "--from: .*: No such file", "--from", self.path("missing"))
        self.refused(126, "it is no snapshot of jacinth", "--from", guest("hello"))
        self.save(guest("hello"))
        whole = pathlib.Path(self.file).read_bytes()
        for size in (20, 100, len(whole) // 2, len(whole) - 1):
            pathlib.Path(self.file).write_bytes(whole[:size])
            self.refused(126, r"frame \d+|cut off|no snapshot", "--from", self.file)
        damaged = bytearray(whole)
        damaged[len(whole) // 2] ^= 4
        pathlib.Path(self.file).write_bytes(damaged)
        self.refused(126, r"frame \d+, at byte \d+: its checksum is wrong", "--from", self.file)
        pathlib.Path(self.file).write_bytes(whole + b"more")
        self.refused(126, "4 bytes follow its end", "--from", self.file)
        newer = bytearray(whole)
        newer[17] += 1
        pathlib.Path(self.file).write_bytes(newer)
        self.refused(126, "it is a snapshot of format 2, and this jacinth reads format 1", "--from", self.file)


if __name__ == "__main__":
    unittest.main()
