"""Programs that are built against a public Fuchsia SDK, unmodified libraries and linker, on both boards.

JACINTH_FUCHSIA_SDK names the folder of one (id 0.20200703.3.1: `arch`, `pkg`). Without it every test is skipped.
"""

import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "support"))

from debuggers import GDB, LLDB, Server, gdb, lldb  # noqa: E402
from jacinth import PROGRAM, jacinth  # noqa: E402

SDK = os.environ.get("JACINTH_FUCHSIA_SDK")
# What the SDK calls an architecture, and what clang does.
TARGETS = {"arm64": "aarch64-fuchsia", "x64": "x86_64-fuchsia"}
PROGRAMS = ("hello", "echo", "files", "threads", "memory", "objects", "spawn", "linked", "exceptions", "guarded", "jobs",
            "revision", "plain", "waits")
# What of the SDK's own packages a program is built with: sources, and libraries.
WITH_PACKAGES = {"loops": (("async/ops.c", "async-loop/loop.c"), ("async-default", "async-loop-default", "memfs", "sync"))}


def tool(*names):
    return next((found for found in map(shutil.which, names) if found), names[-1])


class Built:
    """One architecture's programs, built once, in a folder that is the programs' /pkg too."""

    def __init__(self, arch):
        self.arch = arch
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="jacinth-sdk-"))
        self.sysroot = pathlib.Path(SDK) / "arch" / arch / "sysroot"
        self.clang = [tool("clang-16", "clang"), f"--target={TARGETS[arch]}", f"--sysroot={self.sysroot}", "-O2",
                      "-Wall", "-Werror", "-I", str(ROOT), "-I", f"{SDK}/pkg/fdio/include",
                      # Without the compiler's own run-time library, which Debian has for no such target.
                      *(["-mno-outline-atomics"] if arch == "arm64" else [])]
        self.lld = [tool("ld.lld-16", "ld.lld"), "--hash-style=gnu", "-z", "rodynamic", "-z", "now",
                    "--pack-dyn-relocs=relr", "-z", "separate-loadable-segments"]
        for name in PROGRAMS:
            self.build(name)
        for name, (sources, libraries) in WITH_PACKAGES.items():
            includes = [f"-I{include}" for include in pathlib.Path(SDK, "pkg").glob("*/include")]
            objects = [self.compile_file(pathlib.Path(SDK, "pkg", source), "-fPIE", "-w", *includes) for source in sources]
            self.build(name, *objects, *(f"-l{library}" for library in libraries), flags=includes)
        shutil.copy(ROOT / "guests/sdk/claims.h", self.folder)
        part = self.compile("part", "-fPIC")
        self.run(*self.lld, "-shared", "-soname", "libsdk_part.so", part, "-o", self.folder / "libsdk_part.so")

    def run(self, *command):
        subprocess.run([str(word) for word in command], check=True, timeout=100)

    def compile(self, name, *flags):
        if name == "guarded":
            flags += ("-fsanitize=safe-stack" if self.arch == "x64" else "-fsanitize=shadow-call-stack",)
        return self.compile_file(next((ROOT / "guests/sdk").glob(f"{name}.c*")), *flags)

    def compile_file(self, source, *flags):
        output = self.folder / f"{source.stem}.o"
        if source.suffix == ".cc":
            flags += ("-std=c++17", "-nostdinc++", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics")
        self.run(*self.clang, *flags, "-c", source, "-o", output)
        return output

    def build(self, name, *more, flags=()):
        self.run(*self.lld, "-pie", "-dynamic-linker", "ld.so.1", self.sysroot / "lib/Scrt1.o",
                 self.compile(name, "-fPIE", *flags), "-L", self.sysroot / "lib", "-L", f"{SDK}/arch/{self.arch}/lib", *more,
                 "--no-as-needed", "-lfdio", "--as-needed", "-lc", "-lzircon", "-o", self.folder / name)


@unittest.skipUnless(SDK, "no SDK: JACINTH_FUCHSIA_SDK is not set")
class Sdk(unittest.TestCase):
    built = {}

    @classmethod
    def setUpClass(cls):
        if SDK:
            cls.built = {arch: Built(arch) for arch in TARGETS}

    @classmethod
    def tearDownClass(cls):
        for built in cls.built.values():
            shutil.rmtree(built.folder, ignore_errors=True)

    def start(self, arch, name, *arguments, options=(), libs=None, **more):
        folder = self.built[arch].folder
        libs = libs if libs is not None else f"{folder}:{SDK}"
        return jacinth("run", f"--libs={libs}", f"--dir=/pkg={folder}", *options, str(folder / name), "--", *arguments,
                       **more)

    def claims(self, arch, name, *options):
        result = self.start(arch, name, options=options, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertNotIn("not ok", result.stdout)
        self.assertRegex(result.stdout, r"\n1\.\.\d+\n(#.*\n)*$")

    def both(self, check):
        for arch in TARGETS:
            check(arch)

    def test_hello_prints_and_returns(self):
        def check(arch):
            folder = self.built[arch].folder
            command = [PROGRAM, "run", f"--libs={SDK}", "--env=GREETING=hi", str(folder / "hello"), "one", "two"]
            result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=100)
            self.assertEqual(result.stdout, b"hello from argv\nargument 1: one\nargument 2: two\nGREETING=hi\n"
                                            b"\xc3\xa4\xe2\x82\xac\x01\xff\n")
            self.assertEqual(result.stderr, b"to standard error\n")
            self.assertEqual(result.returncode, 43)
        self.both(check)

    def test_the_log_can_stand_in_for_the_streams(self):
        def check(arch):
            result = self.start(arch, "hello", options=["--stdio=debuglog"], errors="replace")
            self.assertIn("hello from argv\nto standard error\n", result.stdout)
        self.both(check)

    def test_input_comes_through_to_the_byte(self):
        data = bytes(i * i % 251 for i in range(700_000))
        for arch in TARGETS:
            command = [PROGRAM, "run", f"--libs={SDK}", str(self.built[arch].folder / "echo")]
            result = subprocess.run(command, input=data, capture_output=True, timeout=100)
            self.assertEqual(result.stdout, data)
            self.assertEqual(result.returncode, 0)

    def debugged(self, arch, name):
        folder = self.built[arch].folder
        return Server(f"--libs={folder}:{SDK}", f"--dir=/pkg={folder}", str(folder / name), command="run")

    @unittest.skipUnless(GDB, "gdb-multiarch is not installed")
    def test_gdb_stops_by_name_in_libraries_before_and_after_they_are_loaded(self):
        def check(arch):
            with self.debugged(arch, "linked") as server:
                text = gdb(
                    ["set breakpoint pending on", "break part_add", "break printf", "break zx_socket_write", "break main"]
                    + ["tbreak fdio_unsafe_fd_to_io", "continue", "info sharedlibrary", "delete 5", "continue"]
                    + ["backtrace", "continue", "delete 2 3", "continue", "backtrace", "continue", "reverse-continue"]
                    + ["reverse-continue", "reverse-continue", "reverse-continue", "break part_add", "continue"]
                    + ["continue"],
                    server,
                )
            stops = re.findall(r"^(?:Temporary b|B)reakpoint \d, 0x\w+ in (?:_)?(\w+) \(", text, re.MULTILINE)
            self.assertEqual(stops, ["main", "printf", "zx_socket_write", "part_add", "part_add", "part_add", "main"]
                             + ["main", "part_add"], text)
            for library in ("ld.so.1", "libzircon.so", "libfdio.so", "libsdk_part.so"):
                self.assertIn(f"target:/vmo/{library}", text)
            self.assertRegex(text, r"#0 +0x\w+ in printf .*\n#1 +0x\w+ in main \(\)")
            self.assertRegex(text, r"#0 +0x\w+ in part_add .*\n#1 +0x\w+ in main \(\)")
            self.assertIn("No more reverse-execution history.", text)
        self.both(check)

    @unittest.skipUnless(LLDB, "LLDB is not installed")
    def test_lldb_stops_by_name_in_libraries(self):
        def check(arch):
            folder = self.built[arch].folder
            with self.debugged(arch, "linked") as server:
                text = lldb(
                    [f"settings set target.exec-search-paths {SDK}/arch/{arch}/dist {folder}"]
                    + ["settings set target.process.stop-on-exec false", "breakpoint set --name part_add"]
                    + ["breakpoint set --name sendmsg", "breakpoint set --name main", "continue", "continue"]
                    + ["thread backtrace", "continue", "thread backtrace"],
                    server,
                    str(folder / "linked"),
                )
            self.assertRegex(text, r"frame #0: .*linked`main")
            self.assertRegex(text, r"frame #0: .*libfdio.so`sendmsg")
            self.assertRegex(text, r"frame #0: .*libsdk_part.so`part_add(.*\n)* +frame #1: .*linked`main")
        self.both(check)

    def test_call_stacks_lead_through_the_libraries(self):
        def check(arch):
            folder = self.built[arch].folder
            result = jacinth("debug", f"--libs={folder}:{SDK}", f"--dir=/pkg={folder}", "-e", "calls zx_socket_write before",
                             "-e", "continue", "-e", "backtrace", "-e", "break zx_vmo_create", "-e", "break fdio_bind_to_fd",
                             str(folder / "linked"), stdin=subprocess.DEVNULL)
            names = re.findall(r"^#\d+ +0x\w+ (\S+?)\+0x", result.stdout, re.MULTILINE)
            self.assertIn(names[0], ("_zx_socket_write", "<libzircon.so>"))
            self.assertIn("<libfdio.so>", names)
            self.assertIn("writev", names)
            self.assertIn("<ld.so.1>", names)
            self.assertLess(names.index("vfprintf"), names.index("printf"))
            self.assertLess(names.index("printf"), names.index("main"))
            self.assertRegex(result.stdout, r"before zx_vmo_create \(0x\w+\)\n.*before fdio_bind_to_fd \(0x")
        self.both(check)

    def test_programs_run_the_same_on_the_sdks_own_vdso(self):
        def check(arch):
            vdso = f"--vdso={SDK}/arch/{arch}/sysroot/lib/libzircon.so"
            for name in ("hello", "threads", "memory", "objects", "linked", "exceptions", "spawn", "loops", "jobs"):
                given, own = (self.start(arch, name, options=options, stdin=subprocess.DEVNULL, errors="replace")
                              for options in ([vdso], []))
                self.assertEqual((given.returncode, given.stdout), (own.returncode, own.stdout), given.stderr)
            record = str(self.built[arch].folder / "given.jtrace")
            recorded = jacinth("record", "-o", record, vdso, f"--libs={SDK}", str(self.built[arch].folder / "hello"),
                               stdin=subprocess.DEVNULL, errors="replace")
            replayed = jacinth("replay", record, stdin=subprocess.DEVNULL, errors="replace")
            self.assertEqual((replayed.returncode, replayed.stdout), (recorded.returncode, recorded.stdout))
        self.both(check)

    def test_files(self):
        def check(arch):
            with tempfile.TemporaryDirectory() as name:
                data, out = pathlib.Path(name, "data"), pathlib.Path(name, "out")
                (data / "folder").mkdir(parents=True)
                out.mkdir()
                (data / "hello.txt").write_text("hello, file\n")
                (data / "folder/deep.txt").write_text("deep\n")
                (data / "inside.txt").symlink_to("hello.txt")
                (data / "outside.txt").symlink_to("/etc/passwd")
                (out / "old.txt").write_text("old\n")
                before = sorted(data.rglob("*"))
                self.claims(arch, "files", f"--dir=/data={data}", f"--dir=/out={out}:rw")
                self.assertEqual((out / "result.txt").read_text(), "written\n")
                self.assertTrue((out / "made/f").is_file())
                self.assertFalse((out / "old.txt").exists())
                self.assertEqual(sorted(data.rglob("*")), before)
        self.both(check)

    def test_a_missing_library_is_named_by_the_linker_and_by_us(self):
        def check(arch):
            result = self.start(arch, "hello", libs=self.built[arch].sysroot / "dist/lib")
            self.assertEqual(result.returncode, 127)
            self.assertIn("libfdio.so", result.stdout)
            self.assertIn("no folder of --libs has libfdio.so", result.stderr)
        self.both(check)

    def test_a_symbol_that_nobody_has_is_named(self):
        def check(arch):
            built = self.built[arch]
            source = built.folder / "wanting.c"
            source.write_text("int nobody_has_this(void);\nint main(void) { return nobody_has_this(); }\n")
            built.run(*built.clang, "-fPIE", "-c", source, "-o", built.folder / "wanting.o")
            built.run(*built.lld, "-pie", "-dynamic-linker", "ld.so.1", "--unresolved-symbols=ignore-all",
                      built.sysroot / "lib/Scrt1.o", built.folder / "wanting.o", "-L", built.sysroot / "lib", "-lc",
                      "-o", built.folder / "wanting")
            result = self.start(arch, "wanting")
            self.assertEqual(result.returncode, 127)
            self.assertIn("nobody_has_this", result.stdout)
            self.assertIn("dynamic linker could not start it", result.stderr)
        self.both(check)

    def test_code_that_may_not_be_read_is_named(self):
        # Only one of the architectures has such.
        built = self.built["arm64"]
        built.run(*built.lld, "-pie", "-dynamic-linker", "ld.so.1", "--execute-only", built.sysroot / "lib/Scrt1.o",
                  built.folder / "echo.o", "-L", built.sysroot / "lib", "-L", f"{SDK}/arch/arm64/lib", "-lfdio", "-lc",
                  "-o", built.folder / "unreadable")
        result = self.start("arm64", "unreadable")
        self.assertEqual(result.returncode, 1)
        self.assertIn("Not a valid dynamic program", result.stdout)
        self.assertIn("--no-execute-only", result.stderr)

    def test_a_library_that_is_cut_off_or_of_the_other_architecture_is_refused_by_the_linker(self):
        def check(arch):
            other = next(a for a in TARGETS if a != arch)
            with tempfile.TemporaryDirectory() as name:
                library = pathlib.Path(name, "libfdio.so")
                whole = pathlib.Path(SDK, "arch", arch, "dist/libfdio.so").read_bytes()
                foreign = pathlib.Path(SDK, "arch", other, "dist/libfdio.so").read_bytes()
                for content in (whole[:100], whole[:30], b"", foreign):
                    library.write_bytes(content)
                    result = self.start(arch, "hello", libs=f"{name}:{self.built[arch].sysroot}/dist/lib")
                    self.assertEqual(result.returncode, 127, result.stdout + result.stderr)
                    self.assertIn("libfdio.so", result.stdout)
        self.both(check)

    def test_whatever_is_wrong_with_a_file_the_emulator_holds(self):
        def damaged(content, chance):
            if chance.random() < 0.2:
                return content[:chance.choice([0, 16, 63, 64, 100, 1000, 4096, chance.randrange(len(content))])]
            changed = bytearray(content)
            # Headers, then what the linker reads: the dynamic section, symbols, relocations.
            for _ in range(chance.choice([1, 1, 2, 20])):
                where = chance.randrange(chance.choice([64, 1024, 40_000]) // 8) * 8
                value = chance.choice([0, 1, 2**63, 2**64 - 1, 0x1000, chance.getrandbits(20), chance.getrandbits(64)])
                changed[where:where + 8] = value.to_bytes(8, "little")
            return bytes(changed)

        def check(arch):
            built = self.built[arch]
            good = {"hello": built.folder / "hello", "ld.so.1": built.sysroot / "dist/lib/ld.so.1",
                    "libfdio.so": pathlib.Path(SDK, "arch", arch, "dist/libfdio.so")}
            for name, path in good.items():
                for seed in range(12):
                    with tempfile.TemporaryDirectory() as folder:
                        file = pathlib.Path(folder, name)
                        file.write_bytes(damaged(path.read_bytes(), random.Random(f"{arch} {name} {seed}")))
                        result = jacinth("run", "--time-limit=2s", "--wall-limit=20s", f"--libs={folder}:{SDK}",
                                         str(file if name == "hello" else good["hello"]), errors="replace")
                        said = f"{name}, seed {seed}: {result.returncode}\n{result.stdout}{result.stderr}"
                        # The program's own end, a limit, the linker's refusal, ours in one line, an exception or a deadlock.
                        self.assertIn(result.returncode, (0, 1, 43, 124, 126, 127, 170, 171), said)
                        if result.returncode == 126:
                            self.assertRegex(result.stderr, r"^jacinth run: [^\n]+\n$", said)
        self.both(check)

    def test_without_libraries_one_line_says_what_is_missing(self):
        def check(arch):
            result = jacinth("run", str(self.built[arch].folder / "hello"))
            self.assertEqual(result.returncode, 126)
            self.assertRegex(result.stderr, r"^jacinth run: .*ld\.so\.1.*--libs=DIR[^\n]*\n$")
        self.both(check)

    def test_every_run_is_made_again_from_its_recording(self):
        def check(arch):
            folder = self.built[arch].folder
            for name, text in (("hello", ""), ("echo", "typed\n"), ("spawn", ""), ("threads", "")):
                trace = str(folder / f"{name}.jtrace")
                recorded = jacinth("record", f"--libs={SDK}", f"--dir=/pkg={folder}", "-o", trace, str(folder / name),
                                   input=text, errors="replace")
                # From the recording alone: where the program, its libraries and its input were is of no matter.
                replayed = jacinth("replay", trace, cwd="/", stdin=subprocess.DEVNULL, errors="replace")
                self.assertEqual(replayed.returncode, recorded.returncode, replayed.stderr)
                self.assertEqual(replayed.stdout, recorded.stdout)
                self.assertIn("and the machine's end", replayed.stderr)
        self.both(check)

    def test_a_program_waits_for_its_input_with_poll_and_select(self):
        def check(arch):
            for text, pieces in (("hello, input\n", "3 8 2"), ("", "0")):
                result = self.start(arch, "waits", input=text)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                self.assertEqual(result.stdout, f"waited {pieces} end\n")
        self.both(check)

    def test_the_trace_shows_requests_to_the_services(self):
        def check(arch):
            result = self.start(arch, "hello", options=["--strace"], errors="replace")
            self.assertIn('=== LoadObject("libfdio.so") = ZX_OK ===', result.stderr)
            self.assertRegex(result.stderr, r'zx_channel_call_noretry\(')
            self.assertIn("zx_process_exit(retcode=0)", result.stderr)
        self.both(check)


def claims_case(name):
    return lambda self: self.both(lambda arch: self.claims(arch, name))


for program in ("threads", "memory", "objects", "spawn", "linked", "exceptions", "guarded", "jobs", "revision", "plain",
                "loops"):
    setattr(Sdk, f"test_{program}", claims_case(program))

if __name__ == "__main__":
    unittest.main()
