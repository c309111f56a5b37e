"""The lints find what they are there for: each rule is shown a file that breaks it and one that doesn't."""

import io
import pathlib
import tempfile
import unittest

import files
from common import Exceptions, Tap
from layers import Layers

TABLE = """
emu/base:
emu/cpu: emu/base
emu/machine: emu/cpu     # through emu/cpu also emu/base
kernel/abi: emu/base
kernel/platform: kernel/abi
kernel/platform/on_machine: kernel/platform emu/machine
guests:= kernel/abi
only <unicorn/ in emu/cpu/unicorn
"""


class LayersTest(unittest.TestCase):
    def complaints(self, path, *includes):
        layers = Layers(TABLE)
        self.assertEqual(layers.errors, [])
        return layers.complaints(path, "".join(f"#include {include}\n" for include in includes))

    def test_a_layer_may_include_itself_and_what_is_below_it(self):
        self.assertEqual(self.complaints("emu/machine/a.cc", '"emu/machine/a.h"', '"emu/cpu/cpu.h"'), [])
        self.assertEqual(self.complaints("emu/machine/a.cc", '"emu/base/check.h"', "<vector>"), [])

    def test_a_layer_may_not_include_what_is_above_it(self):
        found = self.complaints("emu/cpu/cpu.cc", '"emu/base/check.h"', '"emu/machine/machine.h"')
        self.assertEqual(len(found), 1)
        self.assertIn("emu/cpu/cpu.cc:2: emu/cpu may not include emu/machine", found[0])

    def test_the_machine_may_not_include_the_kernel(self):
        self.assertNotEqual(self.complaints("emu/machine/a.cc", '"kernel/abi/status.h"'), [])

    def test_one_file_can_have_a_row_of_its_own(self):
        self.assertEqual(self.complaints("kernel/platform/on_machine.cc", '"emu/machine/machine.h"'), [])
        self.assertNotEqual(self.complaints("kernel/platform/platform.h", '"emu/machine/machine.h"'), [])

    def test_an_exact_row_grants_nothing_further(self):
        self.assertEqual(self.complaints("guests/demo/main.cc", '"kernel/abi/status.h"'), [])
        self.assertNotEqual(self.complaints("guests/demo/main.cc", '"emu/base/check.h"'), [])

    def test_a_wrapped_library_is_included_by_its_wrapper_only(self):
        self.assertEqual(self.complaints("emu/cpu/unicorn/engine.cc", "<unicorn/unicorn.h>"), [])
        self.assertNotEqual(self.complaints("emu/cpu/cpu.cc", "<unicorn/unicorn.h>"), [])

    def test_an_include_beside_the_file_is_refused(self):
        self.assertNotEqual(self.complaints("emu/cpu/cpu.cc", '"cpu.h"'), [])

    def test_a_folder_without_a_row_is_refused(self):
        self.assertNotEqual(self.complaints("elsewhere/a.cc"), [])

    def test_a_table_that_leads_in_a_circle_is_refused(self):
        self.assertNotEqual(Layers("a: b\nb: a\n").errors, [])
        self.assertNotEqual(Layers("a: missing\n").errors, [])
        self.assertNotEqual(Layers("a:\na:\n").errors, [])
        self.assertNotEqual(Layers("nonsense\n").errors, [])


class FilesTest(unittest.TestCase):
    def rules(self, name, text):
        """The names of the rules that the file breaks."""
        found = files.complaints(name, text, Exceptions(pathlib.Path("absent")))
        return sorted({line.rpartition("[")[2].rstrip("]") for line in found})

    def test_a_clean_file_breaks_no_rule(self):
        self.assertEqual(self.rules("emu/base/a.h", "// A thing.\n#pragma once\n\nint a();\n"), [])

    def test_a_file_opens_with_what_it_models(self):
        self.assertEqual(self.rules("emu/base/a.h", "#pragma once\n"), ["header"])
        self.assertEqual(self.rules("emu/base/a.cc", "int a;\n"), ["header"])

    def test_a_header_is_guarded_by_pragma_once(self):
        self.assertEqual(self.rules("emu/base/a.h", "// A thing.\n#ifndef A\n#define A\n#endif\n"), ["once"])

    def test_unfinished_work_is_no_comment(self):
        self.assertEqual(self.rules("emu/base/a.cc", "// A thing.\n// TO" + "DO: more\n"), ["unfinished"])
        self.assertEqual(self.rules("docs/a.md", "FIX" + "ME\n"), ["unfinished"])

    def test_paths_of_one_machine_are_found(self):
        self.assertEqual(self.rules("run", "#!/bin/sh\ncd /ho" + "me/someone\n"), ["host-path"])
        self.assertEqual(self.rules("run", '#!/bin/sh\ncd "$x/home/y" build/work/x\n'), [])

    def test_set_up_names_no_host(self):
        self.assertEqual(self.rules("tools/setup/x", "curl http" + "s://example.invalid/x\n"), ["url"])

    def test_the_model_knows_no_host_state(self):
        for line in ("#include <chrono>", "#include <unordered_map>", "auto t = time_of(getenv(x));"):
            self.assertEqual(self.rules("kernel/ipc/a.cc", f"// A thing.\n{line}\n"), ["host-state"])
            self.assertEqual(self.rules("tools/jacinth/a.cc", f"// A thing.\n{line}\n"), [])
        self.assertEqual(self.rules("kernel/ipc/a.cc", "// A thing.\n  throw 1;\n"), ["throw"])

    def test_loose_ends_of_text_are_found(self):
        self.assertEqual(self.rules("emu/base/a.cc", "// A thing. \n"), ["text"])
        self.assertEqual(self.rules("emu/base/a.cc", "// A thing.\n\tint a;\n"), ["text"])
        self.assertNotEqual(files.complaints("a.cc", "// A thing.", Exceptions(pathlib.Path("absent"))), [])

    def test_a_test_that_is_never_built_is_found(self):
        self.assertEqual(self.rules("tests/emu/base/forgotten_test.cc", "// Claims.\n"), ["built"])
        self.assertEqual(self.rules("tests/kernel/ipc/port_test.cc", "// Claims.\n"), [])
        self.assertEqual(self.rules("tests/tools/jacinth/units_test.cc", "// Claims.\n"), [])

    def test_an_exception_needs_a_reason_and_a_use(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as table:
            table.write("header emu/base/a.cc  # generated\nheader emu/base/b.cc\nonce emu/base/c.h  # stale\n")
            table.flush()
            exceptions = Exceptions(pathlib.Path(table.name))
        self.assertEqual(files.complaints("emu/base/a.cc", "int a;\n", exceptions), [])
        self.assertEqual(len(exceptions.errors), 1)
        self.assertEqual(exceptions.unused({"header", "once"}), [("once", "emu/base/c.h")])


class TapTest(unittest.TestCase):
    def test_a_complaint_makes_a_failed_line(self):
        out = io.StringIO()
        tap = Tap(out)
        tap.result("good")
        tap.result("bad #1", ["line one\nline two"])
        tap.result("left out", skip="no tool")
        self.assertEqual(tap.finish(), 1)
        self.assertEqual(out.getvalue(), "ok 1 - good\nnot ok 2 - bad +1\n#   line one\n#   line two\n"
                                         "ok 3 - left out # SKIP no tool\n1..3\n")
