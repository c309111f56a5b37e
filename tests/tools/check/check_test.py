"""./check counts what happened: no way of dying makes a failed test disappear."""

import contextlib
import io
import unittest

from check import Report, Result, read_tap, read_test


def outcomes(results):
    return [(result.name, result.outcome) for result in results]


class TapTest(unittest.TestCase):
    def test_each_line_is_a_test(self):
        results = read_tap("unit", "ok 1 - one\nnot ok 2 - two\n#   why\nok 3 - three # SKIP no tool\n1..3\n", True, "")
        self.assertEqual(outcomes(results), [("one", "passed"), ("two", "failed"), ("three", "skipped")])
        self.assertEqual(results[1].detail, "why\n")
        self.assertEqual(results[2].detail, "no tool")

    def test_a_program_that_dies_fails_and_says_where(self):
        results = read_tap("unit", "# one\nok 1 - one\n# two\n", True, "status -6")
        self.assertEqual(outcomes(results), [("one", "passed"), ("unit", "failed")])
        self.assertIn("in `two` after 1 tests: status -6", results[1].detail)

    def test_a_program_that_prints_nothing_fails(self):
        self.assertEqual(outcomes(read_tap("unit", "", False, "status 0")), [("unit", "failed")])

    def test_too_few_lines_fail(self):
        self.assertEqual(outcomes(read_tap("unit", "ok 1 - one\n1..2\n", False, ""))[1], ("unit", "failed"))

    def test_a_bad_end_after_good_lines_fails(self):
        results = read_tap("unit", "ok 1 - one\n1..1\n", True, "status 1")
        self.assertEqual(outcomes(results), [("one", "passed"), ("unit", "failed")])

    def test_an_empty_plan_is_a_skip_with_its_reason(self):
        results = read_tap("tidy", "1..0 # SKIP no clang-tidy\n", False, "")
        self.assertEqual([(r.outcome, r.detail) for r in results], [("skipped", "no clang-tidy")])


class MesonTest(unittest.TestCase):
    def record(self, **fields):
        return {"name": "jacinth:guest / hello", "result": "OK", "duration": 1.0, "returncode": 0, **fields}

    def test_a_program_is_one_test(self):
        self.assertEqual(outcomes(read_test(self.record(), "exitcode")), [("hello", "passed")])

    def test_a_failure_shows_what_the_program_said(self):
        [result] = read_test(self.record(result="FAIL", returncode=3, stdout="one\n", stderr="two\n"), "exitcode")
        self.assertEqual(result.outcome, "failed")
        self.assertEqual(result.detail, "it ended with status 3\none\ntwo\n")

    def test_a_time_out_is_a_failure(self):
        [result] = read_test(self.record(result="TIMEOUT"), "exitcode")
        self.assertEqual(result.outcome, "failed")
        self.assertIn("longer than allowed", result.detail)

    def test_a_skip_gives_its_reason(self):
        [result] = read_test(self.record(result="SKIP", returncode=77, stdout="needs qemu\n"), "exitcode")
        self.assertEqual((result.outcome, result.detail), ("skipped", "needs qemu"))

    def test_a_time_out_in_tap_keeps_what_passed(self):
        results = read_test(self.record(result="TIMEOUT", stdout="ok 1 - one\n"), "tap")
        self.assertEqual(outcomes(results), [("one", "passed"), ("hello", "failed")])


class ReportTest(unittest.TestCase):
    def closing(self, *results):
        report, out = Report(False), io.StringIO()
        with contextlib.redirect_stdout(out):
            report.step("unit", list(results), 0.0)
            status = report.finish()
        return out.getvalue().splitlines()[-1], status

    def test_the_last_line_counts(self):
        self.assertEqual(self.closing(Result("a", "passed"), Result("b", "passed")), ("2 passed, 0 failed", 0))
        self.assertEqual(self.closing(Result("a", "passed"), Result("b", "failed")), ("1 passed, 1 failed", 1))
        self.assertEqual(self.closing(Result("a", "passed"), Result("b", "skipped")),
                         ("1 passed, 0 failed, 1 skipped", 0))

    def test_nothing_tested_is_no_success(self):
        self.assertEqual(self.closing(), ("0 passed, 0 failed", 1))
