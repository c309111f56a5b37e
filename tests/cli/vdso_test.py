"""run --vdso: a vDSO of another kernel, with numbers of its own (guests/given), in the place of Jacinth's."""

import os
import pathlib
import re
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from jacinth import ARCHITECTURES, GUESTS, guest, jacinth  # noqa: E402

# Programs of tests that between them make most calls, and do not ask whose vDSO it is.
PROGRAMS = ("legacy", "handles", "events", "waits", "channels", "fifos", "ports", "sockets", "streams", "timers", "futexes",
            "threads", "memory", "processes", "exceptions", "jobs")


def image(arch):
    return str(GUESTS / "given" / f"libzircon_{arch}.so")


class GivenVdso(unittest.TestCase):
    def test_its_constants_are_filled_in_and_its_clock_runs(self):
        for arch in ARCHITECTURES:
            result = jacinth("run", f"--vdso={image(arch)}", "--cpus=3", "--ram=512M", guest("given", arch))
            self.assertEqual(result.returncode, 3, result.stderr)
            self.assertRegex(result.stdout, r"^version jacinth-\S+ of \d+\n3 CPUs, 512 MiB\n1000 ticks per microsecond\n"
                                            r"slept 5 ms\nfrobnicated: -2\n$")

    def test_a_call_that_nobody_has_is_named_and_counted(self):
        for arch in ARCHITECTURES:
            result = jacinth("run", f"--vdso={image(arch)}", guest("given", arch))
            self.assertIn("zx_frobnicate", result.stderr)
            self.assertRegex(result.stderr, r"what Jacinth lacks(.|\n)*zx_frobnicate: 2 times, gave ZX_ERR_NOT_SUPPORTED")
            stopped = jacinth("run", "--on-unsupported=stop", f"--vdso={image(arch)}", guest("given", arch))
            self.assertEqual(stopped.returncode, 172)
            # It is nothing that our own vDSO exports.
            self.assertEqual(jacinth("run", guest("given", arch)).returncode, 1)

    def test_programs_run_as_on_our_own(self):
        for arch in ARCHITECTURES:
            for name in PROGRAMS:
                given = jacinth("run", f"--vdso={image(arch)}", guest(name, arch))
                own = jacinth("run", guest(name, arch))
                verdicts = [re.findall(r"^(?:not )?ok .*$", result.stdout, re.MULTILINE) for result in (given, own)]
                self.assertEqual(verdicts[0], verdicts[1], f"{name} on {arch}: {given.stdout}{given.stderr}")
                self.assertEqual(given.returncode, own.returncode, f"{name} on {arch}: {given.stderr}")

    def test_traces_name_the_calls_by_their_names(self):
        for arch in ARCHITECTURES:
            result = jacinth("run", "--strace=-", "--strace-calls=zx_debuglog_write,zx_nanosleep", f"--vdso={image(arch)}",
                             guest("given", arch))
            self.assertRegex(result.stdout, r"zx_nanosleep\(deadline=")
            self.assertRegex(result.stdout, r"zx_debuglog_write\(handle=")
            prompt = jacinth("debug", f"--vdso={image(arch)}", "-e", "calls zx_nanosleep before", "-e", "continue",
                             "-e", "backtrace", "-e", "finish", guest("given", arch))
            self.assertRegex(prompt.stdout, r"zx_nanosleep\(deadline=.*\n.*_zx_nanosleep")
            self.assertRegex(prompt.stdout, r"#1 +0x\w+ main\+0x\w+ at guests/given/given.c")
            self.assertRegex(prompt.stdout, r"zx_nanosleep\(.*= ZX_OK")

    def test_a_recording_has_it_or_its_digest(self):
        for arch in ARCHITECTURES:
            with tempfile.TemporaryDirectory() as folder:
                file, moved = os.path.join(folder, "run.jtrace"), pathlib.Path(folder, "vdso.so")
                moved.write_bytes(pathlib.Path(image(arch)).read_bytes())
                for options in ((), ("--no-embed",)):
                    recorded = jacinth("record", *options, "-o", file, f"--vdso={moved}", guest("given", arch))
                    self.assertEqual(recorded.returncode, 3, recorded.stderr)
                    replayed = jacinth("replay", "--save-load=3", file)
                    self.assertEqual((replayed.returncode, replayed.stdout), (3, recorded.stdout), replayed.stderr)
                other = ARCHITECTURES[arch == ARCHITECTURES[0]]
                moved.write_bytes(pathlib.Path(image(other)).read_bytes())
                wrong = jacinth("replay", file)
                self.assertEqual(wrong.returncode, 126)
                self.assertIn("it is not the vDSO that was recorded", wrong.stderr)
                self.assertEqual(jacinth("replay", f"--vdso={image(arch)}", file).returncode, 3)

    def test_a_snapshot_has_it(self):
        for arch in ARCHITECTURES:
            with tempfile.TemporaryDirectory() as folder:
                file = os.path.join(folder, "state")
                whole = jacinth("run", f"--vdso={image(arch)}", "--save-at", "3ms", file, guest("given", arch))
                self.assertEqual(whole.returncode, 3, whole.stderr)
                rest = jacinth("run", "--from", file)
                self.assertEqual(rest.returncode, 3, rest.stderr)
                self.assertTrue(rest.stdout and whole.stdout.endswith(rest.stdout))
                refused = jacinth("run", "--from", file, f"--vdso={image(arch)}")
                self.assertEqual(refused.returncode, 2)
                self.assertIn("--vdso", refused.stderr)

    def test_what_is_none_is_refused_in_a_sentence(self):
        good = pathlib.Path(image("arm64")).read_bytes()
        dynamic = next(offset for offset in range(64, 64 + 56 * 8, 56) if struct.unpack_from("<I", good, offset)[0] == 2)
        without_symbols = bytearray(good)
        struct.pack_into("<I", without_symbols, dynamic, 0)
        filled = good.replace(struct.pack("<I", 0xDEADBEEF), b"\0\0\0\0")
        deaf = good.replace(struct.pack("<I", 0xD4000001), struct.pack("<I", 0xD503201F))  # SVC, NOP
        outside = bytearray(good)
        code = next(offset for offset in range(64, 64 + 56 * 8, 56)
                    if struct.unpack_from("<II", good, offset) == (1, 5))
        struct.pack_into("<QQ", outside, code + 8, 0x123, 0x123)
        cases = {
            b"": "it is no 64-bit ELF file",
            b"not ELF at all" * 100: "it is no 64-bit ELF file",
            pathlib.Path(image("x86_64")).read_bytes(): "it is not for arm64",
            good[:0x1800]: "it is cut off",
            pathlib.Path(guest("hello")).read_bytes(): "it is no vDSO",
            bytes(without_symbols): "it has no table of dynamic symbols",
            filled: "it has no place for the kernel's constants",
            deaf: "it makes no system call",
            bytes(outside): "it is no vDSO: its segments do not lie as those of one do",
        }
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "vdso.so")
            for content, why in cases.items():
                file.write_bytes(content)
                result = jacinth("run", f"--vdso={file}", guest("hello"))
                self.assertEqual(result.returncode, 126, (why, result.stderr))
                self.assertIn(f"{file}: ", result.stderr)
                self.assertIn(why, result.stderr)
                self.assertEqual(len(result.stderr.splitlines()), 1)
            missing = jacinth("run", f"--vdso={folder}/none.so", guest("hello"))
            self.assertEqual(missing.returncode, 127)


if __name__ == "__main__":
    unittest.main()
