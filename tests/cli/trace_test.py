"""The views of a recording: each is held against another one, or read by a strict reader of its format."""

import collections
import json
import os
import pathlib
import re
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

import fxt  # noqa: E402
from jacinth import ARCHITECTURES, guest, jacinth  # noqa: E402


class Views(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.file = self.path("run.jtrace")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def record(self, *arguments, file=None):
        result = jacinth("record", "-o", file or self.file, *arguments)
        self.assertTrue(os.path.exists(file or self.file), result.stderr)
        return result

    def trace(self, *options, code=0):
        result = jacinth("trace", *options, self.file)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stdout

    def view(self, form, *options):
        """What a binary view holds."""
        output = self.path("output")
        result = jacinth("trace", f"--format={form}", "-o", output, *options, self.file)
        self.assertIn("as they were recorded", result.stderr)
        return pathlib.Path(output).read_bytes()

    def events(self, *options):
        return [json.loads(line) for line in self.trace("--jsonl", *options).splitlines()]

    # --- JSON ---

    def test_json_lines_tell_what_the_lines_for_people_tell(self):
        for arch in ARCHITECTURES:
            self.record(guest("ports", arch))
            calls = [event for event in self.events() if event["event"] == "call"]
            lines = [line for line in self.trace().splitlines() if re.search(r"\) = ", line)]
            self.assertEqual(len(calls), len(lines))
            for call, line in zip(calls, lines):
                if call["waited"]:
                    continue
                arguments = ", ".join(f"{argument['name']}={argument['text']}"
                                      + (f" => {argument['after']}" if "after" in argument else "")
                                      for argument in call["arguments"])
                seconds = f"{call['time'] // 10**9}.{call['time'] % 10**9:09}"
                text = f"{call['process']}:{call['thread']} {seconds:>13} {call['call']}({arguments})"
                self.assertEqual(line[:line.rindex(" = ")], text)
                self.assertEqual(line[line.rindex(" = ") + 3:].split(" <")[0], call["result_text"])

    def test_json_in_one_object_has_the_same_events(self):
        self.record(guest("hello"))
        whole = json.loads(self.trace("--json"))
        self.assertEqual((whole["format"], whole["format_version"]), ("jacinth-trace", 1))
        self.assertEqual(whole["events"], self.events())

    def test_json_names_objects_threads_and_ends(self):
        self.record(guest("demo"))
        events = self.events()
        kinds = collections.Counter(event["event"] for event in events)
        for kind in ("process-created", "process-started", "process-exited", "thread-started", "thread-exited"):
            self.assertGreater(kinds[kind], 0, kinds)
        created = next(event for event in events if event.get("call") == "zx_port_create")
        port = created["arguments"][1]["objects"][0]
        self.assertIn(f"<port:{port}>", created["arguments"][1]["text"])
        about = self.events(f"--object={port}")
        self.assertTrue(about)
        self.assertTrue(all(any(port in argument.get("objects", []) for argument in event["arguments"])
                            for event in about), about)

    def test_json_of_a_crash_and_of_calls_that_never_end(self):
        self.record(guest("crasher"), "null-read")
        crash = [json.loads(line) for line in self.trace("--jsonl", code=170).splitlines()]
        exception = next(event for event in crash if event["event"] == "exception")
        self.assertEqual(exception["exception"], "ZX_EXCP_FATAL_PAGE_FAULT")
        self.assertRegex(exception["pc"], "^0x[0-9a-f]+$")
        self.record(guest("ends"), "deadlock")
        stuck = [json.loads(line) for line in self.trace("--jsonl", code=171).splitlines()]
        unfinished = [event for event in stuck if event.get("unfinished")]
        self.assertEqual(len(unfinished), 2)
        self.assertTrue(all(event["result"] is None for event in unfinished))

    # --- time lines ---

    def check_flows(self, flows):
        """Each arrow begins once, ends at most once and not before that, and goes somewhere else."""
        kinds = set()
        for ends in flows.values():
            self.assertLessEqual(len(ends), 2)
            self.assertEqual(ends[0][0], "begin")
            if len(ends) == 2:
                self.assertEqual(ends[1][0], "end")
                self.assertLessEqual(ends[0][1], ends[1][1])
                kinds.add(ends[0][2])
        self.assertLessEqual({"wake", "message", "packet"}, kinds)

    def test_fxt_is_what_the_format_says(self):
        for arch in ARCHITECTURES:
            self.record(guest("demo", arch))
            trace = fxt.Reader(self.view("fxt"))
            self.assertEqual((list(trace.providers.values()), trace.ticks), (["jacinth"], 10**9))
            times = [record["time"] for record in trace.records if "time" in record]
            self.assertEqual(times, sorted(times))
            names = {record["koid"]: record["name"] for record in trace.records if record["record"] == "object"}
            depth, flows = collections.Counter(), collections.defaultdict(list)
            for record in trace.records:
                kind = record["record"]
                if kind in ("begin", "end"):
                    depth[record["thread"]] += 1 if kind == "begin" else -1
                    self.assertGreaterEqual(depth[record["thread"]], 0)
                if kind.startswith("flow"):
                    self.assertGreater(depth[record["thread"]], 0, "an arrow outside every slice")
                    flows[record["id"]].append((kind[5:], record["time"], record["category"]))
                if "thread" in record and isinstance(record["thread"], tuple):
                    self.assertIn(record["thread"][1], names)
            self.assertFalse(+depth)
            self.check_flows(flows)

    def test_fxt_has_every_thread_on_one_cpu_at_a_time(self):
        self.record(guest("demo"))
        trace = fxt.Reader(self.view("fxt"))
        running, idle = {}, {16, 17}
        switches = [record for record in trace.records if record["record"] == "switch"]
        self.assertGreater(len(switches), 10)
        for switch in switches:
            self.assertEqual(switch["from"], running.get(switch["cpu"], 16 + switch["cpu"]))
            running[switch["cpu"]] = switch["to"]
            busy = [thread for thread in running.values() if thread not in idle]
            self.assertEqual(len(busy), len(set(busy)))
            weight = switch["arguments"]["incoming_weight"]
            self.assertEqual(weight == -2**31, switch["to"] in idle)

    def test_fxt_and_chrome_show_the_calls_that_strace_shows(self):
        self.record(guest("ports"))
        lines = re.findall(r" (?:(zx_\w+)\(|<\.\.\. (zx_\w+) resumed)", self.trace())
        calls = collections.Counter(one for one, _ in lines if one)
        records = fxt.Reader(self.view("fxt")).records
        self.assertEqual(collections.Counter(record["name"] for record in records
                                             if record["record"] == "begin" and record["category"] == "syscall"), calls)
        events = json.loads(self.trace("--format=chrome"))["traceEvents"]
        self.assertEqual(collections.Counter(event["name"] for event in events
                                             if event["ph"] == "B" and event["cat"] == "syscall"), calls)
        ends = [event for event in events if event["ph"] == "E" and event["cat"] == "syscall"]
        self.assertTrue(all("result" in event["args"] for event in ends))

    def test_chrome_is_well_formed(self):
        for arch in ARCHITECTURES:
            self.record(guest("demo", arch))
            events = json.loads(self.trace("--format=chrome"))["traceEvents"]
            named = {(event["pid"], event["tid"]) for event in events if event["ph"] == "M"}
            stacks, flows, counters = collections.defaultdict(list), collections.defaultdict(list), set()
            last = 0
            for event in events:
                if event["ph"] == "M":
                    continue
                self.assertGreaterEqual(event["ts"], last)
                last = event["ts"]
                where = event["pid"], event["tid"]
                if event["ph"] == "B":
                    self.assertIn(where, named)
                    stacks[where].append(event["name"])
                elif event["ph"] == "E":
                    self.assertEqual(stacks[where].pop(), event["name"])
                elif event["ph"] in "sf":
                    self.assertTrue(stacks[where])
                    flows[event["id"]].append(("begin" if event["ph"] == "s" else "end", event["ts"], event["cat"]))
                elif event["ph"] == "C":
                    counters.add(event["name"])
                    self.assertTrue(all(value >= 0 for value in event["args"].values()))
                else:
                    self.assertEqual(event["ph"], "i")
            self.assertFalse([stack for stack in stacks.values() if stack])
            self.assertEqual(counters, {"memory", "handles", "threads"})
            self.check_flows(flows)

    # --- code ---

    def test_stacks_show_where_time_goes(self):
        for arch in ARCHITECTURES:
            self.record(guest("bench_mixed", arch), "3")
            stacks = {}
            for line in self.view("folded", "--period=10us").decode().splitlines():
                stack, count = line.rsplit(" ", 1)
                stacks[stack] = int(count)
            self.assertTrue(all(stack.startswith("bench_mixed;initial-thread;") for stack in stacks), stacks)
            in_main = sum(count for stack, count in stacks.items() if ";main" in stack)
            self.assertGreater(in_main, 10)
            self.assertGreater(in_main, 0.9 * sum(stacks.values()))

    def test_a_machine_that_sleeps_is_not_looked_at(self):
        self.record(guest("ports"))
        few = sum(int(line.rsplit(" ", 1)[1]) for line in self.trace("--format=folded").splitlines())
        self.assertLess(few, 100)

    def drcov(self):
        data = self.view("drcov")
        head, table, count, blocks = re.fullmatch(
            rb"DRCOV VERSION: 2\nDRCOV FLAVOR: drcov-64\n(Module Table: version 2, count \d+\n"
            rb"Columns: id, base, end, entry, path\n)((?: *\d+, 0x[0-9a-f]{16}, 0x[0-9a-f]{16}, 0x[0-9a-f]{16}, [^\n]+\n)*)"
            rb"BB Table: (\d+) bbs\n(.*)", data, re.DOTALL).groups()
        modules = [line.split(", ") for line in table.decode().splitlines()]
        self.assertIn(f"count {len(modules)}\n".encode(), head)
        self.assertEqual(len(blocks), 8 * int(count))
        return modules, [struct.unpack_from("<IHH", blocks, 8 * index) for index in range(int(count))]

    def test_drcov_has_modules_and_blocks_inside_them(self):
        for arch in ARCHITECTURES:
            self.record(guest("ports", arch))
            modules, blocks = self.drcov()
            self.assertEqual([module[0].strip() for module in modules], [str(i) for i in range(len(modules))])
            self.assertEqual(modules[0][4], guest("ports", arch))
            self.assertIn("[vdso]", [module[4] for module in modules])
            self.assertEqual(len(blocks), len(set(blocks)))
            for start, size, module in blocks:
                base, end = (int(text, 16) for text in modules[module][1:3])
                self.assertGreater(size, 0)
                self.assertLessEqual(base + start + size, end)

    def lcov(self):
        files, functions, at = {}, {}, None
        for line in self.trace("--format=lcov").splitlines():
            key, _, rest = line.partition(":")
            if key == "SF":
                at = rest
                files[at], functions[at] = {}, {}
            elif key == "DA":
                number, count = map(int, rest.split(","))
                files[at][number] = count
            elif key == "FNDA":
                count, name = rest.split(",", 1)
                functions[at][name] = int(count)
            elif key == "LF":
                self.assertEqual(int(rest), len(files[at]))
            elif key == "LH":
                self.assertEqual(int(rest), sum(count > 0 for count in files[at].values()))
            elif key == "FNH":
                self.assertEqual(int(rest), sum(count > 0 for count in functions[at].values()))
            else:
                self.assertIn(key, ("TN", "FN", "FNF", "end_of_record"))
        return files, functions

    def test_lcov_counts_the_lines_that_ran(self):
        root = pathlib.Path(__file__).resolve().parent.parent.parent
        for arch in ARCHITECTURES:
            self.record(guest("crasher", arch), "null-read")
            result = jacinth("trace", "--format=lcov", self.file)
            self.assertEqual(result.returncode, 170)
            text = result.stdout
            self.assertIn("SF:guests/faults/crasher.cc\n", text)
            lines = (root / "guests/faults/crasher.cc").read_text().splitlines()
            of_file = text[text.index("SF:guests/faults/crasher.cc\n"):]
            counts = {int(number): int(count) for number, count in
                      re.findall(r"^DA:(\d+),(\d+)$", of_file[:of_file.index("end_of_record")], re.MULTILINE)}
            read = next(i for i, line in enumerate(lines, 1) if "void null_read()" in line)
            write = next(i for i, line in enumerate(lines, 1) if "void null_write()" in line)
            self.assertEqual(counts[read], 1, arch)
            self.assertEqual(counts[write], 0, arch)

    def test_lcov_adds_up(self):
        self.record(guest("ports"))
        files, functions = self.lcov()
        self.assertEqual(functions["guests/lib/start.c"]["guest_start"], 1)
        self.assertGreater(sum(count > 0 for count in files["guests/lib/start.c"].values()), 10)

    # --- diff ---

    def diff(self, *arguments):
        other = self.path("other.jtrace")
        self.record(*arguments, file=other)
        result = jacinth("trace", "diff", self.file, other)
        return result.returncode, result.stdout, result.stderr

    def test_the_same_run_laid_out_otherwise_is_no_difference(self):
        for arch in ARCHITECTURES:
            self.record(guest("ports", arch))
            for options in ([], ["--seed=3"], ["--aslr=off"], ["--level=full"]):
                code, out, err = self.diff(*options, guest("ports", arch))
                self.assertEqual((code, err), (0, ""), out)
                self.assertRegex(out, r"^the same: \d{2,} events\n$")

    def test_the_first_difference_is_shown_with_what_came_before(self):
        self.record(guest("ends"), "deadlock")
        code, out, _ = self.diff(guest("hello"))
        self.assertEqual(code, 1)
        self.assertRegex(out, r"^--- .*run\.jtrace\n\+\+\+ .*other\.jtrace\n")
        self.assertIn("only in", out)
        self.record(guest("crasher"), "null-read")
        code, out, _ = self.diff(guest("crasher"), "null-write")
        self.assertEqual(code, 1)
        self.assertRegex(out, r'thread "initial-thread" of process "crasher": \d+ events? (is|are) the same, then\n')
        self.assertRegex(out, r"(?m)^- .*zx_channel_read\(")
        self.assertRegex(out, r"(?m)^\+ .*zx_channel_read\(")

    def test_a_diff_of_something_else_says_what_it_is(self):
        self.record(guest("hello"))
        nothing = self.path("nothing")
        result = jacinth("trace", "diff", self.file, nothing)
        self.assertEqual((result.returncode, result.stdout), (127, ""))
        self.assertIn("nothing", result.stderr)
        pathlib.Path(nothing).write_text("nothing")
        self.assertEqual(jacinth("trace", "diff", self.file, nothing).returncode, 126)

    # --- options ---

    def test_times_since_the_line_before(self):
        self.record(guest("ports"))
        absolute = [float(line.split()[1]) for line in self.trace().splitlines()]
        relative = [float(line.split()[1]) for line in self.trace("-r").splitlines()]
        self.assertEqual(len(absolute), len(relative))
        for before, now, since in zip([0] + absolute, absolute, relative):
            self.assertAlmostEqual(now - before, since, places=9)

    def test_calls_that_end_with_a_status(self):
        self.record(guest("ports"))
        for name in ("ZX_ERR_TIMED_OUT", "timed_out", "-21"):
            calls = [line for line in self.trace(f"--status={name}").splitlines() if " zx_" in line]
            self.assertTrue(calls)
            self.assertTrue(all(" = ZX_ERR_TIMED_OUT " in line for line in calls), calls)

    def test_what_strace_users_type_is_taken(self):
        self.record(guest("hello"))
        self.assertEqual(self.trace("-f", "-t", "-T", "-y", "-o", "-"), self.trace())
        self.assertEqual(self.trace("-fTy", "-tt"), self.trace())

    def test_a_live_run_has_the_same_views(self):
        self.record(guest("ports"))
        for form in ("jsonl", "chrome", "folded", "lcov"):
            output = self.path("live")
            result = jacinth("run", f"--strace-format={form}", "-o", output, guest("ports"))
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(pathlib.Path(output).read_text(), self.trace(f"--format={form}"), form)
        result = jacinth("run", "-c", "-o", "-", guest("hello"))
        self.assertIn("usecs/call" if "usecs" in result.stdout else "nsecs/call", result.stdout)

    def test_what_makes_no_sense_is_refused_with_the_reason(self):
        self.record(guest("hello"))
        for options, reason in (
                (["--json", "-c"], "one form at a time"), (["--format=perfetto"], "is none of"),
                (["--format=lcov", "-Z"], "whole run"), (["--format=fxt", "--status=ok"], "when it begins"),
                (["-c", "--object=5"], "does not look"), (["-r", "--json"], "-r is for lines"),
                (["--period=1ms"], "folded"), (["--format=folded", "--period=0ms"], "longer than nothing"),
                (["--status=tmed_out"], "did you mean ZX_ERR_TIMED_OUT"), (["--object=it"], "no number"),
                (["--from=2s", "--until=1s"], "before --from"), (["--context=3"], "diff"),
                ([self.file], "one recording at a time")):
            result = jacinth("trace", *options, self.file)
            self.assertEqual(result.returncode, 2, options)
            self.assertIn(reason, result.stderr)
        for arguments in (["diff"], ["diff", self.file], ["diff", "--json", self.file, self.file]):
            self.assertEqual(jacinth("trace", *arguments).returncode, 2, arguments)


if __name__ == "__main__":
    unittest.main()
