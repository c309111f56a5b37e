"""The command line as its users meet it: exit codes, bad input, signals, pipes, and the account of a run."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from jacinth import ARCHITECTURES, PROGRAM, guest, jacinth  # noqa: E402


class ExitCodes(unittest.TestCase):
    def test_a_guest_that_ends_well_gives_0(self):
        for arch in ARCHITECTURES:
            self.assertEqual(jacinth("run", guest("hello", arch)).returncode, 0)

    def test_a_wrong_option_gives_2_and_is_named(self):
        result = jacinth("run", "--strce", guest("hello"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("--strce", result.stderr)
        self.assertIn("--strace", result.stderr)  # The nearest one there is.
        self.assertEqual(result.stdout, "")

    def test_no_file_gives_2(self):
        self.assertEqual(jacinth("run").returncode, 2)

    def test_a_wrong_command_gives_2(self):
        self.assertEqual(jacinth("rum").returncode, 2)

    def test_a_missing_file_gives_127(self):
        result = jacinth("run", "/nowhere/at/all")
        self.assertEqual(result.returncode, 127)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1)

    def test_a_board_that_does_not_exist_gives_2(self):
        self.assertEqual(jacinth("run", "--board=pdp-11", guest("hello")).returncode, 2)

    def test_cpus_and_memory_that_no_board_has_give_2(self):
        for option in ("--cpus=0", "--cpus=1000", "--ram=1", "--ram=99999T", "--ram=lots"):
            self.assertEqual(jacinth("run", option, guest("hello")).returncode, 2, option)

    def test_a_kernel_option_that_does_not_exist_gives_2_and_names_near_ones(self):
        result = jacinth("run", "--kernel-arg=kernel.port.max-observer=7", guest("hello"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("kernel.port.max-observers", result.stderr)
        self.assertEqual(result.stdout, "")
        result = jacinth("run", "--kernel-arg=loan=true", guest("hello"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("kernel.ppb.loan", result.stderr)

    def test_a_value_that_a_kernel_option_does_not_take_gives_2(self):
        for option in ("aslr.disable=perhaps", "aslr.entropy_bits=99", "kernel.port.max-observers=many"):
            result = jacinth("run", "--kernel-arg", option, guest("hello"))
            self.assertEqual(result.returncode, 2, option)
            self.assertIn(option.split("=")[0], result.stderr)

    def test_a_kernel_option_that_means_nothing_here_is_said_and_the_run_goes_on(self):
        result = jacinth("run", "--kernel-arg=kernel.shell=true", "--kernel-arg=aslr.disable=true", guest("hello"))
        self.assertEqual(result.returncode, 0)
        self.assertIn("kernel.shell changes nothing", result.stderr)
        self.assertNotIn("aslr.disable", result.stderr)

    def test_what_is_typed_comes_from_a_file_or_from_standard_input_and_both_are_the_same(self):
        typed_lines = "from somebody\nto somebody else\n"
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(typed_lines)
            file.flush()
            results = [
                jacinth("run", "--root", "--console-input", source, guest("console"), input=typed)
                for source, typed in [(file.name, None), ("-", typed_lines)]
            ]
        for result in results:
            self.assertIn("from somebody", result.stdout)
        self.assertEqual(results[0].stdout, results[1].stdout)
        self.assertEqual(jacinth("run", "--console-input=/no/such", guest("console")).returncode, 2)

    def test_a_run_can_be_ended_wherever_it_is(self):
        for guest_name in ("restricted", "processes", "channels", "pager"):
            for limit in ("30us", "80us", "200us", "700us"):
                with self.subTest(guest=guest_name, limit=limit):
                    self.assertIn(jacinth("run", f"--time-limit={limit}", guest(guest_name)).returncode, (0, 124))

    def test_virtual_time_that_runs_out_gives_124(self):
        result = jacinth("run", "--time-limit=1ms", guest("timers"))
        self.assertEqual(result.returncode, 124)
        self.assertIn("virtual", result.stderr)

    def test_real_time_that_runs_out_gives_124(self):
        result = jacinth("run", "--wall-limit=200ms", guest("bench_integer"), "1000000000")
        self.assertEqual(result.returncode, 124)

    def test_a_return_code_comes_modulo_256_and_whole_in_the_summary(self):
        for code, exit_code in ((300, 44), (-1, 255), (256, 0), (2**40 + 3, 3)):
            result = jacinth("run", "--summary=-", guest("ends"), "code", str(code))
            self.assertEqual(result.returncode, exit_code, code)
            self.assertEqual(json.loads(result.stdout)["return_code"], code)

    def test_a_deadlock_gives_171_and_says_who_waits_for_what_and_who_holds_it(self):
        for arch in ARCHITECTURES:
            result = jacinth("run", guest("ends", arch), "deadlock")
            self.assertEqual(result.returncode, 171)
            for word in ("partner", "initial-thread", "zx_object_wait_one", "ZX_EVENTPAIR_SIGNALED", "its other end eventpair:",
                         "is held by process"):
                self.assertIn(word, result.stderr)

    def test_what_is_missing_is_named_and_summed_up_and_gives_172_where_asked(self):
        for options, code in (((), 0), (("--on-unsupported=stop",), 172)):
            result = jacinth("run", *options, guest("ends"), "unsupported")
            self.assertEqual(result.returncode, code, options)
            self.assertIn("zx_guest_create", result.stderr)
            self.assertIn("ends.c", result.stderr)
        self.assertEqual(jacinth("run", guest("ends"), "unsupported").stdout, "zx_guest_create: ZX_ERR_NOT_SUPPORTED\n")

    def test_a_guest_that_is_killed_gives_173(self):
        result = jacinth("run", guest("ends"), "killed")
        self.assertEqual(result.returncode, 173)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1)

    def test_a_year_of_sleep_passes_at_once(self):
        self.assertEqual(jacinth("run", guest("ends"), "long-sleep").returncode, 0)

    def test_an_exception_gives_170_and_a_report(self):
        for arch in ARCHITECTURES:
            result = jacinth("run", guest("crasher", arch), "null-read")
            self.assertEqual(result.returncode, 170)
            for word in ("ZX_EXCP_FATAL_PAGE_FAULT", "0x0", "registers", "crasher.cc"):
                self.assertIn(word, result.stderr)


class Injections(unittest.TestCase):
    def test_a_call_gets_the_error_that_was_asked_for_and_the_trace_says_so(self):
        for arch in ARCHITECTURES:
            plain = jacinth("run", "--strace=-", "--strace-calls=port", guest("ports", arch))
            result = jacinth("run", "--inject=zx_port_create:error=ZX_ERR_NO_MEMORY:when=1", "--strace=-",
                             "--strace-calls=port", guest("ports", arch))
            self.assertIn("zx_port_create", plain.stdout)
            self.assertNotIn("INJECTED", plain.stdout)
            self.assertEqual(result.stdout.count("= ZX_ERR_NO_MEMORY (INJECTED) <"), 1)
            self.assertNotEqual(result.returncode, 0)  # The guest says what it did not expect.

    def test_the_account_counts_what_was_injected(self):
        result = jacinth("run", "--inject=debuglog_write:retval=0:when=1+2", "--summary=-", guest("hello"))
        account = json.loads(result.stdout)
        self.assertEqual(account["injected"], [
            {"call": "zx_debuglog_write", "what": "zx_debuglog_write:retval=0:when=1+2",
             "made": account["calls"]["zx_debuglog_write"],
             "injected": (account["calls"]["zx_debuglog_write"] + 1) // 2}])
        self.assertNotIn("Hello", result.stdout)
        self.assertEqual(json.loads(jacinth("run", "--summary=-", guest("hello")).stdout.split("\n", 1)[1])["injected"], [])

    def test_an_injection_that_never_came_is_told(self):
        result = jacinth("run", "--inject=zx_port_create:error=ZX_ERR_NO_MEMORY", guest("hello"))
        self.assertEqual((result.returncode, result.stdout), (0, jacinth("run", guest("hello")).stdout))
        self.assertIn("--inject", result.stderr)

    def test_what_cannot_be_injected_gives_2_and_one_line(self):
        for option, word in (("zx_port_crate:error=-1", "zx_port_create"), ("zx_port_create:error=ZX_ERR_NO_MEMRY", "ZX_ERR_NO_MEMORY"),
                             ("zx_ticks_per_second:retval=1", "vDSO"), ("zx_port_create", "error=")):
            result = jacinth("run", "--inject", option, guest("hello"))
            self.assertEqual(result.returncode, 2, option)
            self.assertIn(word, result.stderr)
            self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)


class BadFiles(unittest.TestCase):
    def check(self, contents, says=None):
        with tempfile.NamedTemporaryFile() as file:
            file.write(contents)
            file.flush()
            result = jacinth("run", "--time-limit=100ms", file.name)
        if says is not None:
            self.assertEqual(result.returncode, 126)
            self.assertIn(says, result.stderr)
            self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
        return result

    def test_what_is_no_elf_file_gives_126(self):
        self.check(b"", "empty")
        self.check(b"#!/bin/sh\necho hello\n", "not an ELF file")

    def test_a_file_cut_short_gives_126(self):
        whole = pathlib.Path(guest("hello")).read_bytes()
        for size in (10, 63, 64, 200, 1000, 8000):
            self.check(whole[:size], "")

    def test_hosts_own_programs_are_refused_or_run_but_never_crash_us(self):
        self.assertIn(jacinth("run", "--time-limit=100ms", "/bin/true").returncode, (126, 170, 124, 173))

    def test_files_with_wrong_bytes_never_crash_us(self):
        seed = int(os.environ.get("JACINTH_TEST_SEED", "20240607"))
        source = random.Random(seed)
        for arch in ARCHITECTURES:
            whole = pathlib.Path(guest("hello", arch)).read_bytes()
            for round in range(40):
                broken = bytearray(whole)
                for _ in range(source.randint(1, 4)):
                    broken[source.randrange(700)] = source.randrange(256)
                code = self.check(bytes(broken)).returncode
                self.assertNotIn(code, (125, -6, -11), f"seed {seed}, {arch}, round {round}")


class Streams(unittest.TestCase):
    def test_interrupting_ends_cleanly_with_130(self):
        child = subprocess.Popen([PROGRAM, "run", "--summary=-", guest("bench_integer"), "1000000000"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=30)
        self.assertEqual(child.returncode, 130)
        self.assertEqual(json.loads(out)["exit_reason"], "interrupted")

    def test_output_to_a_closed_pipe_ends_quietly(self):
        child = subprocess.Popen([PROGRAM, "run", guest("demo")], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stdout.close()
        _, error = child.communicate(timeout=30) if child.stdout is None else (None, child.stderr.read())
        child.wait(timeout=30)
        self.assertEqual(error, b"")

    def test_no_colour_where_nobody_looks(self):
        self.assertNotIn("\x1b[", jacinth("run", guest("crasher"), "null-read").stderr)


class Accounts(unittest.TestCase):
    def summary(self, *arguments):
        result = jacinth("run", "--summary=-", *arguments)
        return json.loads(result.stdout[result.stdout.index("{\n"):])

    def test_the_counters_have_the_names_of_the_real_kernel(self):
        for arch in ARCHITECTURES:
            counters = self.summary(guest("ports", arch))["counters"]
            self.assertEqual(counters["port.ephemeral_packet.allocated"],
                             counters["port.ephemeral_packet.freed"] + counters["port.ephemeral_packet.live"])
            self.assertGreater(counters["port.dequeue.count"], 0)
            for name in ("port", "process", "thread", "job", "vmo", "vmar", "channel"):
                self.assertGreater(counters[f"dispatcher.{name}.create"], 0, name)
            shown = jacinth("run", "--counters", guest("ports", arch)).stderr
            self.assertIn(f"port.dequeue.count = {counters['port.dequeue.count']}\n", shown)

    def test_the_summary_says_what_ran_and_how_it_ended(self):
        account = self.summary("--cpus=3", "--seed=5", guest("hello"))
        for key, value in {"return_code": 0, "exit_code": 0, "exit_reason": "exited", "cpus": 3, "seed": 5,
                           "board": "virt-arm64", "arch": "arm64", "unsupported": []}.items():
            self.assertEqual(account[key], value, key)
        self.assertGreater(account["instructions"], 1000)
        self.assertGreater(account["virtual_time_ns"], 1000)
        self.assertEqual(account["calls"]["zx_process_exit"], 1)
        self.assertEqual(account["call_count"], sum(account["calls"].values()))

    def test_the_same_run_has_the_same_digest_also_on_a_busy_host(self):
        for arch in ARCHITECTURES:
            quiet = self.summary(guest("demo", arch))["digest"]
            load = [subprocess.Popen([PROGRAM, "run", guest("bench_integer"), "1000000000"], stdout=subprocess.DEVNULL)
                    for _ in range(4)]
            try:
                self.assertEqual(self.summary(guest("demo", arch))["digest"], quiet)
            finally:
                for child in load:
                    child.kill()
                    child.wait()

    def test_another_seed_is_another_run(self):
        self.assertNotEqual(self.summary("--seed=1", guest("hello"))["digest"],
                            self.summary("--seed=2", guest("hello"))["digest"])

    def test_the_ledger_has_every_call_once(self):
        rows = json.loads(jacinth("syscalls", "--json").stdout)
        names = [row["name"] for row in rows]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len(names), 197)
        for row in rows:
            self.assertIn(row["support"], ("full", "partial", "absent"))
            self.assertTrue(row["sentence"], row["name"])
            self.assertIsInstance(row["tests"], list)
            if row["support"] == "full":
                self.assertTrue(row["tests"], f"nothing shows that {row['name']} works in full")

    def test_boards_are_listed(self):
        listed = jacinth("boards")
        self.assertEqual(listed.returncode, 0)
        self.assertIn("virt-arm64", listed.stdout)
        self.assertIn("virt-x86-64", listed.stdout)

    def test_every_command_has_help(self):
        self.assertTrue(jacinth("--version").stdout.startswith("jacinth "))
        for command in ((), ("run",), ("boards",), ("syscalls",)):
            result = jacinth(*command, "--help")
            self.assertEqual(result.returncode, 0)
            self.assertIn("usage", result.stdout)
