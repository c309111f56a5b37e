"""Set-up: quick when there is nothing to do, and clear when something can't be had."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent


def run(root, path=None, **environment):
    env = {**os.environ, **environment}
    if path:
        env["PATH"] = path
    return subprocess.run([str(root / "tools/setup/setup")], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True)


class SetupTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name, "a project")
        shutil.copytree(ROOT / "tools/setup", self.root / "tools/setup")

    def plant(self, folder, name, script):
        """A program of ours in place of the real one."""
        path = pathlib.Path(folder, name)
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def test_a_second_set_up_says_nothing_and_takes_no_time(self):
        begin = time.monotonic()
        ran = run(ROOT)
        self.assertEqual((ran.returncode, ran.stdout, ran.stderr), (0, "", ""))
        self.assertLess(time.monotonic() - begin, 5)  # 0.03 s when the machine is idle.

    def test_a_failed_download_is_named_and_leaves_nothing_behind(self):
        ran = run(self.root, PIP_NO_INDEX="1", PIP_FIND_LINKS="")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("the download of unicorn 2.1.4 failed", ran.stderr)
        self.assertEqual(sorted(path.name for path in self.root.iterdir()), ["tools"])

    def test_a_package_with_another_hash_is_refused(self):
        pinned = self.root / "tools/setup/unicorn.txt"
        pinned.write_text(pinned.read_text().replace("sha256:9d", "sha256:00"))
        ran = run(self.root)
        self.assertEqual(ran.returncode, 1)
        self.assertIn("the download of unicorn 2.1.4 failed", ran.stderr)
        self.assertFalse((self.root / ".deps").exists())

    def test_missing_packages_without_sudo_are_named_with_the_command(self):
        with tempfile.TemporaryDirectory() as bin_folder:
            self.plant(bin_folder, "id", "echo 1000")
            self.plant(bin_folder, "dpkg-query", "echo 'installed:meson '")
            for tool in ("bash", "sed", "tr", "dirname", "uname", "env", "mktemp", "cat"):
                pathlib.Path(bin_folder, tool).symlink_to(shutil.which(tool))
            ran = run(self.root, path=bin_folder)
        self.assertEqual(ran.returncode, 1)
        self.assertIn("there is no sudo", ran.stderr)
        self.assertIn("apt-get install --no-install-recommends g++ ccache ninja-build", ran.stderr)

    def test_missing_packages_are_installed_and_only_those(self):
        with tempfile.TemporaryDirectory() as bin_folder:
            log = pathlib.Path(bin_folder, "log")
            self.plant(bin_folder, "id", "echo 0")
            self.plant(bin_folder, "dpkg-query", 'echo "installed:$(sed -e s/#.*// -e /^[[:space:]]*$/d -e /scdoc/d '
                       f'"{self.root}/tools/setup/packages.txt" | tr -d " \t" | tr "\\n" " " | sed "s/ / installed:/g")"')
            self.plant(bin_folder, "apt-get", f'echo "$@" >> "{log}"; [ "$2" != install ] && [ "$1" != -qy ]')
            ran = run(self.root, path=f"{bin_folder}:{os.environ['PATH']}")
            calls = log.read_text().splitlines()
        self.assertEqual(ran.returncode, 1)  # The planted apt-get refuses to install.
        self.assertEqual(calls, ["-q update", "-qy install --no-install-recommends scdoc"])
        self.assertIn("installing Debian packages: scdoc\n", ran.stderr)
        self.assertIn("apt-get install failed", ran.stderr)
