"""Real debuggers on the program under test: gdb-multiarch and LLDB, driven by commands."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from jacinth import PROGRAM, guest

GDB = shutil.which("gdb-multiarch")
LLDB = shutil.which("lldb-14") or shutil.which("lldb")
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Server:
    """`jacinth debug --gdb`, or another command, that waits for a debugger."""

    def __init__(self, *arguments, command="debug", address="0"):
        self.process = subprocess.Popen(
            [PROGRAM, command, f"--gdb={address}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stderr.readline()
        found = re.search(r"gdb: listening on (\S+)$", line)
        if not found:
            self.process.kill()
            raise AssertionError(f"no address in {line!r}{self.process.stderr.read()!r}")
        self.address = found.group(1)

    @property
    def target(self):
        """As debuggers write it."""
        return self.address.removeprefix("unix:")

    def connect(self):
        if self.address.startswith("unix:"):
            client = socket.socket(socket.AF_UNIX)
            client.connect(self.target)
        else:
            host, _, port = self.address.rpartition(":")
            client = socket.create_connection((host, int(port)))
        client.settimeout(20)
        return client

    def finish(self, timeout=20):
        """Waits for its end: exit code, what the guest printed, what it said."""
        out, err = self.process.communicate(timeout=timeout)
        return self.process.returncode, out, err

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.stdout.close()
        self.process.stderr.close()
        self.process.wait()


class Client:
    """The smallest debugger there is: packets by hand."""

    def __init__(self, server):
        self.socket = server.connect()
        self.rest = b""

    def send(self, payload):
        data = payload.encode("latin-1")
        self.socket.sendall(b"$" + data + b"#%02x" % (sum(data) % 256))

    def receive(self):
        """The next packet; None when the connection is over."""
        while not (found := re.search(rb"\$([^#]*)#..", self.rest, re.DOTALL)):
            more = self.socket.recv(65536)
            if not more:
                return None
            self.rest += more
        self.rest = self.rest[found.end() :]
        self.socket.sendall(b"+")
        text = found.group(1).decode("latin-1")
        return re.sub(r"(?s)(.)\*(.)", lambda run: run.group(1) * (1 + ord(run.group(2)) - 29), text)

    def ask(self, payload):
        self.send(payload)
        return self.receive()

    def close(self):
        self.socket.close()


def gdb(commands, server=None, timeout=60):
    """What gdb prints for the commands, each run whatever became of the one before. `server` is connected to first."""
    lines = ["set pagination off", "set confirm off", "set width 0", "set height 0", "set sysroot target:"]
    lines += ["set debuginfod enabled off", "set python print-stack full", "set style enabled off"]
    if server is not None:
        lines.append(f"target extended-remote {server.target}")
    arguments = [GDB, "-nx", "-batch"]
    for line in lines + commands:
        arguments += ["-ex", line]
    result = subprocess.run(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    return result.stdout


def lldb(commands, server, program=None, timeout=60):
    """The same for LLDB, which stops at the first command that fails."""
    lines = [f"target create --no-dependents {program}"] if program else []
    address = f"unix-connect://{server.target}" if server.address.startswith("unix:") else f"connect://{server.target}"
    lines += [f"process connect --plugin gdb-remote {address}"] + commands
    arguments = [LLDB, "--no-lldbinit", "--batch"]
    for line in lines:
        arguments += ["-o", line]
    result = subprocess.run(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
    )
    return result.stdout


@contextlib.contextmanager
def socket_path():
    with tempfile.TemporaryDirectory() as folder:
        yield str(pathlib.Path(folder) / "socket")


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it did not happen")
        time.sleep(0.02)


__all__ = ["GDB", "LLDB", "ROOT", "Client", "Server", "gdb", "guest", "lldb", "signal", "socket_path", "wait_until"]
