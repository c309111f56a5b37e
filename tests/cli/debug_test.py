"""The prompt of `jacinth debug`, from scripts: what it answers, and what it leaves behind."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from jacinth import ARCHITECTURES, PROGRAM, guest, jacinth  # noqa: E402


def debug(*arguments, commands=(), **more):
    options = [word for command in commands for word in ("-e", command)]
    return jacinth("debug", *options, *arguments, **more)


def answers(result):
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


class Prompt(unittest.TestCase):
    def test_a_script_of_commands_leaves_with_the_programs_code(self):
        for arch in ARCHITECTURES:
            result = debug(guest("hello", arch), commands=("next-call", "finish", "seek end"))
            self.assertEqual(result.returncode, 0, result.stderr)
            lines = result.stdout.splitlines()
            self.assertIn("zx_channel_read(handle=", lines[0])
            self.assertIn("Hello from a Zircon process.", lines)
            self.assertIn("= ZX_OK", result.stdout)
            self.assertIn("the run is over: return code 0", lines[-1])

    def test_output_comes_once_however_often_the_run_goes_there(self):
        result = debug(guest("hello"), commands=("seek end", "seek begin", "seek end", "rcont", "continue"))
        self.assertEqual(result.stdout.count("Hello from a Zircon process."), 1)

    def test_there_and_back_is_the_same_place(self):
        for arch in ARCHITECTURES:
            result = debug("--json", guest("demo", arch), commands=(
                "calls zx_port_wait before", "continue", "continue", "continue", "rcont", "rcont"))
            first, second, third, back, front = answers(result)[1:]
            self.assertEqual((back["time"], back["thread"]), (second["time"], second["thread"]))
            self.assertEqual((front["time"], front["thread"]), (first["time"], first["thread"]))
            self.assertGreater(third["time"], second["time"])

    def test_a_command_that_cannot_be_done_gives_177(self):
        result = debug("--json", guest("hello"), commands=("frobnicate", "when"))
        self.assertEqual(result.returncode, 177)
        wrong, right = answers(result)
        self.assertFalse(wrong["ok"])
        self.assertTrue(right["ok"])

    def test_commands_come_from_a_file_or_from_standard_input(self):
        with tempfile.TemporaryDirectory() as folder:
            script = os.path.join(folder, "script")
            pathlib.Path(script).write_text("# to the end\nseek end\nwhen\n", encoding="utf-8")
            from_file = debug("-x", script, guest("hello"))
            piped = subprocess.run([PROGRAM, "debug", guest("hello")], input="seek end\nwhen\n", capture_output=True,
                                   text=True, timeout=60, check=False)
            self.assertEqual(from_file.stdout, piped.stdout)
            self.assertEqual(from_file.returncode, 0)
            missing = debug("-x", os.path.join(folder, "none"), guest("hello"))
            self.assertEqual(missing.returncode, 2)
            self.assertEqual(len(missing.stderr.splitlines()), 1)

    def test_symbols_of_a_stripped_program_come_from_elsewhere(self):
        with tempfile.TemporaryDirectory() as folder:
            stripped = os.path.join(folder, "stripped")
            debug_file = os.path.join(folder, "program.debug")
            full = guest("crasher", "x86_64")
            subprocess.run(["strip", "-o", stripped, full], check=True)
            subprocess.run(["objcopy", "--only-keep-debug", full, debug_file], check=True)
            commands = ("break main", "continue", "bt")
            blind = debug(stripped, "null-read", commands=commands)
            self.assertIn("no symbol", blind.stderr)
            seeing = debug("--symbols", debug_file, stripped, "null-read", commands=commands)
            whole = debug(full, "null-read", commands=commands)
            # But for the time: the path that the program is given is another one.
            self.assertEqual(seeing.stdout.splitlines()[2:], whole.stdout.splitlines()[2:])
            self.assertIn("main+0x0 at guests/faults/crasher.cc", seeing.stdout)
            # And in the report of a crash.
            report = jacinth("run", "--symbols", debug_file, stripped, "null-read").stderr
            self.assertIn("crasher.cc", report)
            self.assertNotIn("crasher.cc", jacinth("run", stripped, "null-read").stderr)
            # Another program's say nothing.
            other = jacinth("run", "--symbols", guest("hello", "x86_64"), stripped, "null-read").stderr
            self.assertNotIn("guests/", other)
        for file in ("/nowhere", __file__):
            result = jacinth("run", "--symbols", file, guest("hello"))
            self.assertEqual(result.returncode, 2)
            self.assertEqual(len(result.stderr.splitlines()), 1)

    def test_an_injection_holds_for_a_debugged_run_too(self):
        result = debug("--json", "--inject=debuglog_write:error=ZX_ERR_NO_MEMORY", guest("hello"), commands=(
            "calls zx_debuglog_write behind", "continue", "rcont", "continue"))
        first, _, second = answers(result)[1:]
        self.assertEqual(first["result"], "ZX_ERR_NO_MEMORY")
        self.assertEqual((second["result"], second["time"]), (first["result"], first["time"]))

    def test_a_recording_is_debugged_like_the_run_that_it_is_of(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "run.jtrace")
            self.assertEqual(jacinth("record", "-o", file, guest("channels")).returncode, 0)
            commands = ("calls zx_channel_call", "continue", "continue", "bt", "when")
            self.assertEqual(debug(file, commands=commands).stdout, debug(guest("channels"), commands=commands).stdout)

    def test_a_recording_has_its_own_injections(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "run.jtrace")
            option = "--inject=debuglog_write:error=ZX_ERR_NO_MEMORY"
            jacinth("record", "-o", file, option, guest("hello"))
            commands = ("calls zx_debuglog_write behind", "continue")
            self.assertEqual(debug(file, commands=commands).stdout, debug(option, guest("hello"), commands=commands).stdout)
            result = debug(option, file, commands=commands)
            self.assertEqual(result.returncode, 2)
            self.assertIn("--inject", result.stderr)

    def test_libraries_are_stopped_at_and_named_when_they_are_loaded(self):
        for arch in ARCHITECTURES:
            program = guest("linked_loading", arch)
            result = debug(f"--libs={os.path.dirname(program)}", "--stdio=debuglog", program, commands=(
                "break zx_vmo_get_size", "break part_sum", "break times_three", "delete 1", "to libraries-loaded",
                "break times_three", "to libraries-loaded", "break part_sum", "continue", "continue", "backtrace"))
            self.assertEqual(result.stderr.count("no symbol of the process"), 2, result.stderr)
            self.assertRegex(result.stdout, r"before zx_vmo_get_size \(0x\w+\)")
            self.assertEqual(len(re.findall(r"libraries-loaded \d+ process", result.stdout)), 2)
            self.assertRegex(result.stdout, r"#0 +0x\w+ times_three\+0x0 at guests/linked/loading.c:\d+\n"
                                            r"#1 +0x\w+ part_sum\+0x\w+ at guests/linked/part.c:\d+\n"
                                            r"#2 +0x\w+ main\+0x\w+ at guests/linked/loading.c:\d+\n")

    def test_the_prompt_and_gdb_do_not_go_together(self):
        result = debug("--gdb=0", guest("hello"), commands=("when",))
        self.assertEqual(result.returncode, 2)
        self.assertEqual(len(result.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
