"""Real gdb on both architectures, forwards and backwards, with two threads and two processes (guests/debugged)."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from debuggers import GDB, Server, gdb, guest  # noqa: E402
from jacinth import ARCHITECTURES, jacinth  # noqa: E402

NAMES = {"arm64": "aarch64", "x86_64": "i386:x86-64"}


def values(text):
    """Of `print` commands, by their numbers."""
    return {int(number): value for number, value in re.findall(r"^\$(\d+) = (.*)$", text, re.MULTILINE)}


def hits(text):
    """The arguments at every stop in add()."""
    return [int(number) for number in re.findall(r"\badd \(number=(\d+)\)", text)]


@unittest.skipUnless(GDB, "gdb-multiarch is not installed")
class Gdb(unittest.TestCase):
    def each(self, *arguments):
        for arch in ARCHITECTURES:
            with Server(guest("debugged", arch), *arguments) as server:
                yield arch, server

    def test_gdb_finds_the_program_its_symbols_and_the_vdso_by_itself(self):
        for arch, server in self.each():
            text = gdb(["break add", "continue", "backtrace", "info sharedlibrary", "info line add"], server)
            self.assertIn(f"Reading symbols from target:{guest('debugged', arch)}", text)
            self.assertIn("#0  add (number=2) at ./guests/debugged/debugged.c:", text)
            self.assertRegex(text, r"#1 +0x\w+ in main \(\) at ./guests/debugged/debugged.c:")
            self.assertIn("target:/vmo/libzircon.so", text)

    def test_registers_are_numbered_and_laid_out_as_gdb_does_it(self):
        for arch, server in self.each():
            own = gdb([f"set architecture {NAMES[arch]}", "maint print raw-registers"])
            ours = gdb(["maint print raw-registers"], server)
            row = re.compile(r"^ (\w+)\s+\d+\s+\d+\s+\d+\s+(\d+) (\S+)", re.MULTILINE)
            own, ours = ({name: what for name, *what in row.findall(text)} for text in (own, ours))
            for name in ours:
                if name in own and own[name][0] != "0":
                    self.assertEqual(ours[name], own[name], name)
            common = set(ours) & set(own)
            self.assertGreater(len(common), 55 if arch == "x86_64" else 65)
            self.assertIn("tpidr" if arch == "arm64" else "fs_base", ours)

    def test_steps_in_lines_and_instructions(self):
        for arch, server in self.each():
            text = gdb(
                ["break add", "continue", "print watched", "print $pc", "stepi", "print $pc", "finish"]
                + ["print watched", "step", "info program"],
                server,
            )
            shown = values(text)
            self.assertEqual(shown[1], "0")
            self.assertNotEqual(shown[2], shown[3])
            self.assertRegex(text, r"Value returned is \$4 = 2")
            self.assertEqual(shown[5], "2")  # Behind the value that finish printed.
            self.assertIn("It stopped after being stepped.", text)

    def test_hardware_breakpoints_and_conditions(self):
        for _, server in self.each():
            text = gdb(["hbreak add if number == 6", "continue", "print watched", "info breakpoints"], server)
            self.assertEqual(hits(text), [6])
            self.assertEqual(values(text)[1], "6")

    def test_watches_what_is_written_and_what_is_read(self):
        for _, server in self.each():
            text = gdb(["watch watched", "continue", "continue", "delete", "rwatch rounds", "continue"], server)
            self.assertRegex(text, r"Old value = 0\s+New value = 2\b")
            self.assertRegex(text, r"Old value = 2\s+New value = 6\b")
            self.assertRegex(text, r"Hardware read watchpoint 2: rounds\s+Value = 5\b")

    def test_goes_back_from_breakpoint_to_breakpoint_and_to_the_beginning(self):
        for _, server in self.each():
            text = gdb(
                ["break add", "continue", "continue", "continue", "reverse-continue", "print watched"]
                + ["reverse-continue", "delete", "reverse-continue", "print watched", "break add", "continue"],
                server,
            )
            self.assertEqual(hits(text), [2, 4, 6, 4, 2, 2])
            self.assertIn("No more reverse-execution history.", text)
            self.assertEqual([values(text)[1], values(text)[2]], ["2", "0"])

    def test_goes_back_to_the_last_write(self):
        for _, server in self.each():
            text = gdb(
                ["break add if number == 8", "continue", "print watched", "watch watched", "reverse-continue"]
                + ["reverse-continue", "reverse-continue", "info symbol $pc", "print watched"],
                server,
            )
            self.assertEqual(values(text)[1], "12")
            self.assertRegex(text, r"Old value = 12\s+New value = 6\b")
            self.assertRegex(text, r"Old value = 6\s+New value = 2\b")
            self.assertRegex(text, r"Old value = 2\s+New value = 0\b")
            self.assertRegex(text, r"\nadd( \+ \d+)? in section")
            self.assertEqual(values(text)[2], "0")

    def test_steps_back_in_lines_and_instructions_and_out_of_functions(self):
        for _, server in self.each():
            text = gdb(
                ["break work", "continue", "print $pc", "stepi", "stepi", "reverse-stepi", "reverse-stepi", "print $pc"]
                + ["reverse-finish", "info symbol $pc", "reverse-step", "reverse-next", "info symbol $pc"],
                server,
            )
            self.assertEqual(values(text)[1], values(text)[2])
            self.assertEqual(re.findall(r"\n(\w+)(?: \+ \d+)? in section", text), ["worker", "worker"], text)

    def test_moments_in_the_kernel_are_stopped_at_and_put_into_words(self):
        for _, server in self.each():
            text = gdb(
                ["monitor catch thread-blocked", "monitor points", "continue", "monitor when", "continue", "monitor when"]
                + ["reverse-continue", "monitor when", "monitor delete 1", "monitor catch exception", "break add", "continue"],
                server,
            )
            self.assertEqual(len(re.findall(r"^\d+\.\d+s (?:\[\d+:\d+\] )?thread-blocked \d+", text, re.MULTILINE)), 3, text)
            first, second, back = re.findall(r"^(.*), place", text, re.MULTILINE)
            self.assertNotEqual(first, second)
            self.assertEqual(first, back)
            self.assertIn("hears of 'exception' by itself", text)
            self.assertEqual(len(hits(text)), 1)

    def test_objects_and_vmos_are_told_of(self):
        for _, server in self.each():
            text = gdb(["break add", "continue", "monitor vmo 1029", "monitor object 1027 3", "continue"], server)
            self.assertIn("vdso/next", text)
            self.assertIn("mapped in process", text)
            self.assertIn("zx_thread_create(process=", text)
            self.assertEqual(hits(text), [2, 4])

    def test_lines_of_a_trace_are_told_once_however_the_run_goes(self):
        for arch in ARCHITECTURES:
            with tempfile.TemporaryDirectory() as folder:
                traces = [pathlib.Path(folder, name) for name in ("plain", "debugged")]
                jacinth("run", f"--strace={traces[0]}", guest("debugged", arch))
                with Server(f"--strace={traces[1]}", guest("debugged", arch), command="run") as server:
                    gdb(["break add", "continue", "continue", "continue", "reverse-continue", "reverse-continue"]
                        + ["continue", "stepi", "reverse-stepi", "monitor seek begin", "delete", "continue"], server)
                    server.finish()
                self.assertEqual(traces[1].read_text(), traces[0].read_text())

    def test_a_limit_of_virtual_time_ends_a_debugged_run(self):
        for arch in ARCHITECTURES:
            whole = json.loads(jacinth("run", "--summary=-", "--counters", guest("hello", arch)).stdout.split("\n", 1)[1])
            limit = f"--time-limit={whole['virtual_time_ns'] // 2}ns"
            with Server(limit, guest("hello", arch), command="run") as server:
                text = gdb(["continue", "continue", "reverse-stepi", "continue", "detach"], server)
                self.assertEqual(text.count("virtual time has come"), 3, text)
                code, _, said = server.finish()
                self.assertEqual(code, 124)
                self.assertIn("virtual time", said)

    def test_thread_local_variables_are_found_in_each_thread(self):
        for arch in ARCHITECTURES:
            with Server(guest("locals", arch)) as server:
                text = gdb(
                    ["break change", "continue", "print lent", "finish", "print lent", "print spent"]
                    + ["continue", "print lent", "finish", "print lent", "thread apply all print spent"]
                    + ["thread 1", "set var lent = 7", "print lent", "thread 2", "print lent"],
                    server,
                )
                shown = [values(text)[i] for i in range(1, 10)]
                self.assertEqual(shown, ["40", "140", "200", "40", "41", "2", "200", "7", "41"], text)

    def test_a_recording_is_that_of_the_run_alone_up_to_where_it_goes_back_or_is_changed(self):
        for arch in ARCHITECTURES:
            with tempfile.TemporaryDirectory() as folder:
                def recorded(*commands, level="full"):
                    """What gdb's commands leave, and the lines of its trace."""
                    file = pathlib.Path(folder, "run.jtrace")
                    options = (f"--record={file}", f"--record-level={level}")
                    with Server(*options, guest("debugged", arch), command="run") as server:
                        text = gdb(list(commands), server)
                        code, _, said = server.finish()
                    replayed = jacinth("replay", file)
                    trace = jacinth("trace", file).stdout
                    return code, said, replayed, trace, text

                plain = pathlib.Path(folder, "plain.jtrace")
                jacinth("record", "-o", plain, guest("debugged", arch))
                whole = jacinth("trace", plain).stdout
                for level in ("digests", "full"):
                    code, said, replayed, trace, text = recorded(
                        "break add", "continue", "stepi", "print watched", "finish", "delete", "detach", level=level)
                    self.assertEqual((code, said), (3, ""), text)
                    self.assertEqual(replayed.returncode, 3)
                    self.assertIn("and the machine's end", replayed.stderr)
                    self.assertEqual(trace, whole)
                for last in ("reverse-stepi", "set var watched = 50"):
                    code, said, replayed, trace, text = recorded("break add", "continue", "continue", last, "delete", "detach")
                    self.assertIn("the recording ends at", said, text)
                    self.assertEqual(replayed.returncode, 0, replayed.stderr)
                    self.assertIn("debugged", replayed.stderr)
                    lines = trace.splitlines()
                    self.assertEqual(lines, whole.splitlines()[: len(lines)])
                    self.assertGreater(len(lines), 30)
                    self.assertLess(len(lines), len(whole.splitlines()))
                _, _, replayed, trace, text = recorded("break add", "continue", "kill")
                self.assertEqual(replayed.returncode, 173, replayed.stderr)
                self.assertIn("are as they were recorded", replayed.stderr)

    def test_what_would_be_told_twice_is_refused(self):
        for options in (("--strace", "-c"), ("--strace=/dev/null", "--strace-format=chrome")):
            result = jacinth("run", "--gdb=0", *options, guest("hello"))
            self.assertEqual(result.returncode, 2, options)
            self.assertEqual(len(result.stderr.splitlines()), 1)

    def test_what_was_changed_makes_another_run(self):
        for _, server in self.each():
            text = gdb(
                ["break add", "continue", "set var watched = 100", "delete", "tbreak print", "continue", "print watched"]
                + ["continue"],
                server,
            )
            self.assertEqual(values(text)[1], "130")
            self.assertIn("exited with code 03", text)
            self.assertIn("rounds made 130", server.finish()[1])

    def test_threads_have_names_and_tell_what_they_wait_for(self):
        for _, server in self.each():
            text = gdb(["break work", "continue", "info threads", "thread 1", "backtrace"], server)
            self.assertRegex(text, r'\* 2 +Thread \d+\.\d+ "worker" \(running on CPU \d\) +work \(round=(round@entry=)?1\)')
            self.assertRegex(text, r'  1 +Thread \d+\.\d+ "initial-thread" \((blocked in zx_object_wait_one on event|r)')
            self.assertRegex(text, r"#\d+ +(0x\w+ in )?main \(\)")

    def test_a_second_process_is_attached_and_stopped_like_the_first(self):
        for arch, server in self.each():
            text = gdb(
                ["break add", "continue", "delete", "info os processes"]
                + ["python child = [l for l in gdb.execute('info os processes', to_string=True).split('\\n') "
                   "if 'debugged_child' in l][0].split()[0]"]
                + ["add-inferior", "inferior 2", f"file {guest('debugged_child', arch)}"]
                + ["python gdb.execute('attach ' + child)", "backtrace"]
                + ["break twice", "set schedule-multiple on", "continue", "print doubled", "backtrace"]
                + ["continue", "print doubled", "reverse-continue", "print doubled"]
                + ["info inferiors", "inferior 1", "print watched"],
                server,
            )
            self.assertIn("debugged_child", text)
            self.assertRegex(text, r"Thread 2\.1 .* hit Breakpoint 2(\.\d)?, (0x\w+ in )?twice \(number=2\)")
            self.assertRegex(text, r"#1 +(0x\w+ in )?main \(\) at ./guests/debugged/debugged_child.c")
            self.assertEqual([values(text)[i] for i in range(1, 5)], ["2", "6", "2", "2"])

    def test_going_back_to_before_an_attached_process_began_and_on_again(self):
        for arch, server in self.each():
            text = gdb(
                ["break add", "continue", "delete"]
                + ["python child = [l for l in gdb.execute('info os processes', to_string=True).split('\\n') "
                   "if 'debugged_child' in l][0].split()[0]"]
                + ["add-inferior", "inferior 2", f"file {guest('debugged_child', arch)}"]
                + ["python gdb.execute('attach ' + child)", "set schedule-multiple on"]
                # Nothing of the child is there at the beginning.
                + ["reverse-continue", "echo begin\\n", "info threads", "print watched", "inferior 2", "print $pc", "x/4xb &doubled"]
                + ["inferior 1", "break twice", "break add", "continue", "print doubled", "backtrace", "continue", "continue"]
                + ["reverse-continue", "reverse-continue", "reverse-continue", "detach"],
                server,
            )
            self.assertIn("No more reverse-execution history.", text)
            begin = text[text.index("begin\n"):]
            self.assertRegex(begin, r"2\.1 .*<unavailable> in \?\? \(\)")
            self.assertEqual(values(text)[1], "0")
            self.assertEqual(values(text)[2], "<unavailable>")
            self.assertRegex(begin, r"Cannot access memory at address 0x\w+")
            # Forwards and back again: both are there.
            stops = re.findall(r"hit Breakpoint [\d.]+, (?:0x\w+ in )?(\w+) \(number=(\d+)\)", begin)
            there = [("twice", "1"), ("add", "2"), ("twice", "2")]
            self.assertEqual(stops, there + there[1::-1], text)
            self.assertEqual(values(text)[3], "0")
            self.assertEqual(text.count("No more reverse-execution history."), 2)
            self.assertNotIn("Can't detach", text)
            self.assertRegex(begin, r"#1 +(0x\w+ in )?main \(\) at ./guests/debugged/debugged_child.c")

    def test_catches_system_calls_by_number(self):
        for arch, server in self.each():
            number = json.loads(jacinth("syscalls", "--json", "zx_object_signal").stdout)[0]["number"]
            text = gdb([f"catch syscall {number}", "continue", "continue", "continue", "backtrace"], server)
            name = re.search(rf"Catchpoint 1 \(syscall '?(\w+)'? \[{number}\]\)", text).group(1)  # Linux's for it.
            self.assertEqual(len(re.findall(rf"\(call to syscall {name}\)", text)), 2, text)
            self.assertEqual(len(re.findall(rf"\(returned from syscall {name}\)", text)), 1)
            self.assertIn("zx_object_signal ()", text)

    def test_memory_is_searched_dumped_and_summed_up(self):
        for arch, server in self.each():
            text = gdb(
                ["break add", "continue", "set var rounds = 0x1122334455667788", "print &rounds"]
                + ["find /g &watched - 64, +1024, 0x1122334455667788", "x/1gx &rounds", "info proc mappings"],
                server,
            )
            self.assertRegex(text, r"<rounds>\n1 pattern found\.")
            self.assertIn("0x1122334455667788", text)
            self.assertRegex(text, r"stack:initial-thread")

    def test_run_begins_again_and_kill_ends_it(self):
        for _, server in self.each():
            text = gdb(["break add", "continue", "continue", "run", "print watched", "kill"], server)
            self.assertEqual((hits(text), values(text)[1]), ([2, 4, 2], "0"))
            self.assertIn("killed]", text)
            self.assertEqual(server.finish()[0], 173)

    def test_detached_the_program_goes_on_to_its_end(self):
        for _, server in self.each():
            text = gdb(["break add", "continue", "detach"], server)
            self.assertIn("detached]", text)
            code, out, _ = server.finish()
            self.assertEqual((code, out), (3, "5 rounds made 30, and the child returned 5\n"))

    def test_a_recording_is_debugged_like_a_run_and_can_be_gone_back_in_from_its_end(self):
        for arch in ARCHITECTURES:
            with tempfile.TemporaryDirectory() as folder:
                file = str(pathlib.Path(folder) / "run.jtrace")
                self.assertEqual(jacinth("record", "-o", file, guest("debugged", arch)).returncode, 3)
                with Server(file) as server:
                    text = gdb(
                        ["continue", "break add", "reverse-continue", "reverse-continue", "print watched"]
                        + ["delete", "continue", "continue"],
                        server,
                    )
                    self.assertEqual(hits(text), [10, 8])
                    self.assertEqual(values(text)[1], "12")
                    self.assertEqual(text.count("No more reverse-execution history."), 2, text)
                    self.assertIn("exited with code 03", text)
                    self.assertEqual(server.finish()[:2], (3, "5 rounds made 30, and the child returned 5\n"))

    def linked(self):
        for arch in ARCHITECTURES:
            program = guest("linked_loading", arch)
            with Server(f"--libs={pathlib.Path(program).parent}", "--stdio=debuglog", program, command="run") as server:
                yield arch, server

    def test_breakpoints_in_libraries_and_in_a_program_that_a_linker_has_yet_to_load(self):
        for arch, server in self.linked():
            text = gdb(
                ["set breakpoint pending on", "break part_sum", "break times_three", "break main", "info sharedlibrary"]
                + ["continue", "continue", "continue", "backtrace", "info sharedlibrary", "continue", "backtrace"]
                + ["print part_sum", "delete", "continue"],
                server,
            )
            self.assertIn(f"Reading symbols from target:{guest('linked_loading', arch)}", text)
            self.assertIn('Function "part_sum" not defined.', text)
            before, after = text.split("is executing new program", 1)
            self.assertIn("target:/vmo/linked_linker", before)
            self.assertNotIn("libpart.so", before)
            self.assertRegex(before, r"Breakpoint 3[.\d]*, main \(\) at ./guests/linked/linker.c")
            self.assertRegex(after, r"Breakpoint 3[.\d]*, main \(\) at ./guests/linked/loading.c")
            self.assertRegex(after, r"Breakpoint 1, part_sum \(count=(count@entry=)?4,.*\) at ./guests/linked/part.c")
            self.assertRegex(after, r"#1 +0x\w+ in main \(\) at ./guests/linked/loading.c")
            self.assertIn("target:/vmo/libpart.so", after)
            self.assertRegex(after, r"Breakpoint 2, times_three \(value=(value@entry=)?1\)")
            self.assertRegex(after, r"#1 +0x\w+ in part_sum .* at ./guests/linked/part.c")
            self.assertRegex(after, r"#2 +0x\w+ in main \(\) at ./guests/linked/loading.c")
            self.assertIn("exited with code 036]", after)

    def test_going_back_over_a_library_being_loaded_and_on_again(self):
        for arch, server in self.linked():
            text = gdb(
                ["set breakpoint pending on", "break part_sum", "continue", "print $pc", "delete", "reverse-continue"]
                + ["echo begin\\n", "info sharedlibrary", "break part_sum", "catch load part", "continue", "continue"]
                + ["print $pc", "break times_three", "reverse-continue", "reverse-continue"],
                server,
            )
            begin = text[text.index("begin\n"):]
            self.assertNotIn("libpart.so", begin[: begin.index("Catchpoint")])
            self.assertRegex(begin, r"Catchpoint 3\s+Inferior loaded .*libpart.so")
            self.assertRegex(begin, r"Breakpoint 2, (0x\w+ in )?part_sum")
            self.assertEqual(values(text)[1], values(text)[2])
            self.assertIn("No more reverse-execution history.", begin)

    def test_functions_of_the_vdso_have_names(self):
        for arch, server in self.linked():
            text = gdb(["break _zx_channel_call", "continue", "continue", "backtrace"], server)
            self.assertRegex(text, r"Breakpoint 1\.\d, 0x\w+ in _?zx_channel_call \(\) from target:/vmo/libzircon.so")
            self.assertRegex(text, r"#1 +0x\w+ in load_object \(.*\) at ./guests/linked/load.c")

    def test_a_debugger_who_waits_for_libraries_hears_of_them_and_then_reads_them(self):
        for arch, server in self.linked():
            text = gdb(
                ["set breakpoint pending on", "monitor catch libraries-loaded", "break part_sum", "continue", "continue"]
                + ["continue"], server)
            self.assertEqual(len(re.findall(r"libraries-loaded \d+ process", text)), 2, text)
            self.assertRegex(text, r"Breakpoint 1, part_sum")

    def test_a_run_under_a_debugger_is_the_run_without_one(self):
        for arch, server in self.each():
            gdb(["break add", "continue", "stepi", "continue", "reverse-continue", "delete", "continue"], server)
            self.assertEqual(server.finish()[1], jacinth("run", guest("debugged", arch)).stdout)


if __name__ == "__main__":
    unittest.main()
