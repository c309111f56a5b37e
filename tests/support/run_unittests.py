"""Runs the unittest cases of Python files and prints them as TAP.

usage: run_unittests.py FILE...
"""

import importlib.util
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tools/lint"), str(ROOT / "tools/check")]

from common import Tap  # noqa: E402


class TapResult(unittest.TestResult):
    def __init__(self, tap):
        super().__init__()
        self.tap = tap

    @staticmethod
    def name_of(test):
        return test.id().rpartition(".")[2].removeprefix("test_").replace("_", " ")

    def addSuccess(self, test):
        self.tap.result(self.name_of(test))

    def addFailure(self, test, err):
        self.tap.result(self.name_of(test), [self._exc_info_to_string(err, test)])

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        # A test with a failed part is never told of as a success: without this it would be told of not at all.
        if err is not None:
            self.tap.result(f"{self.name_of(test)}: {subtest._subDescription()}", [self._exc_info_to_string(err, test)])

    def addSkip(self, test, reason):
        self.tap.result(self.name_of(test), skip=reason)


def main():
    tap = Tap()
    for path in map(pathlib.Path, sys.argv[1:]):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        unittest.defaultTestLoader.loadTestsFromModule(module).run(TapResult(tap))
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
