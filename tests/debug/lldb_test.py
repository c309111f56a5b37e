"""Real LLDB on both architectures: forwards, since its version 14 goes nowhere else."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from debuggers import LLDB, Server, guest, lldb  # noqa: E402
from jacinth import ARCHITECTURES  # noqa: E402


@unittest.skipUnless(LLDB, "LLDB is not installed")
class Lldb(unittest.TestCase):
    def each(self):
        for arch in ARCHITECTURES:
            with Server(guest("debugged", arch)) as server:
                yield guest("debugged", arch), server

    def test_breakpoints_backtraces_and_variables(self):
        for program, server in self.each():
            text = lldb(
                ["breakpoint set --name add", "continue", "thread backtrace", "frame variable number"]
                + ["continue", "expression watched", "breakpoint delete --force", "continue"],
                server,
                program,
            )
            self.assertIn("stop reason = breakpoint 1.1", text)
            self.assertRegex(text, r"frame #0: .*debugged`add\(number=2\) at debugged\.c:")
            self.assertRegex(text, r"frame #1: .*debugged`main at debugged\.c:")
            self.assertRegex(text, r"\(uint64_t\) number = 2\b")
            self.assertRegex(text, r"\(uint64_t\) \$0 = 2\b")
            self.assertIn("exited with status = 3", text)

    def test_steps_and_threads(self):
        for program, server in self.each():
            text = lldb(
                ["breakpoint set --name work", "continue", "thread list", "thread step-inst", "thread step-out"]
                + ["thread step-over", "register read pc", "disassemble --count 2"],
                server,
                program,
            )
            self.assertRegex(text, r"\* thread #2: tid = .*, name = 'worker', stop reason = breakpoint 1.1")
            self.assertRegex(text, r"  thread #1: tid = .*, name = 'initial-thread'")
            self.assertIn("stop reason = instruction step into", text)
            self.assertIn("stop reason = step over", text)
            self.assertIn("stop reason = step out", text)
            self.assertRegex(text, r"[rp][ic]p? = 0x\w+ +debugged`worker")

    def test_watchpoints(self):
        for program, server in self.each():
            text = lldb(
                ["breakpoint set --name main", "continue", "watchpoint set variable watched", "continue", "continue"],
                server,
                program,
            )
            self.assertRegex(text, r"old value: 0\s+new value: 2\b")
            self.assertRegex(text, r"old value: 2\s+new value: 6\b")

    def test_libraries_and_the_program_appear_when_a_linker_loads_them(self):
        for arch in ARCHITECTURES:
            program = guest("linked_loading", arch)
            libs = f"--libs={pathlib.Path(program).parent}"
            with Server(libs, "--stdio=debuglog", program, command="run") as server:
                text = lldb(
                    ["breakpoint set --name part_sum", "breakpoint set --name times_three", "continue", "continue"]
                    + ["continue", "thread backtrace", "image list", "breakpoint delete --force", "continue"],
                    server,
                    program,
                )
                self.assertRegex(text, r"stop reason = exec(.|\n)*stop reason = breakpoint 1.1(.|\n)*= breakpoint 2.1")
                self.assertRegex(text, r"frame #0: .*linked_loading`times_three\(value=1\) at loading\.c:")
                self.assertRegex(text, r"frame #1: .*libpart\.so`part_sum\(count=4, .*\) at part\.c:")
                self.assertRegex(text, r"frame #2: .*linked_loading`main at loading\.c:")
                self.assertIn("/vmo/libzircon.so", text)
                self.assertIn("exited with status = 30", text)

    def test_memory_and_registers_are_read_and_written(self):
        for program, server in self.each():
            text = lldb(
                ["breakpoint set --name add", "continue", "expression watched = 7", "memory read -s8 -c1 -fu &watched"]
                + ["register write rax 5" if "x86_64" in program else "register write x0 5", "thread step-out"]
                + ["expression watched", "memory region $pc"],
                server,
                program,
            )
            self.assertRegex(text, r"0x\w+: 7\b")
            self.assertRegex(text, r"\(uint64_t\) \$3 = 12\b")
            self.assertRegex(text, r"\[0x\w+-0x\w+\) r-x")


if __name__ == "__main__":
    unittest.main()
