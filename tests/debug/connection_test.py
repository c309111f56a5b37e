"""Who may connect to a debugged run, and what becomes of it when they leave."""

import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from debuggers import GDB, Client, Server, gdb, guest, signal, socket_path, wait_until  # noqa: E402
from jacinth import jacinth  # noqa: E402


class Connection(unittest.TestCase):
    def test_the_port_is_of_this_host_alone_unless_another_address_is_named(self):
        with Server(guest("debugged")) as server:
            self.assertRegex(server.address, r"^127\.0\.0\.1:\d+$")
        with Server(guest("debugged"), address="0.0.0.0:0") as server:
            self.assertRegex(server.address, r"^0\.0\.0\.0:\d+$")

    def test_a_bad_address_gives_2(self):
        for address in ("x", "1:2:3", "70000", "unix:", "no-such-host.invalid:1"):
            result = jacinth("debug", f"--gdb={address}", guest("debugged"))
            self.assertEqual(result.returncode, 2, address)
            self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)

    def test_a_port_that_is_taken_gives_2(self):
        with Server(guest("debugged")) as server:
            result = jacinth("debug", f"--gdb={server.address}", guest("debugged"))
            self.assertEqual(result.returncode, 2)
            self.assertIn(server.address, result.stderr)

    def test_a_unix_socket_goes_when_the_run_does_and_takes_the_place_of_a_dead_one(self):
        with socket_path() as path:
            with Server(guest("debugged"), address=f"unix:{path}") as server:
                self.assertEqual(Client(server).ask("qC")[:2], "QC")
            self.assertTrue(os.path.exists(path))  # Killed: it could not take it away.
            with Server(guest("debugged"), address=f"unix:{path}") as server:
                self.assertIsNone(Client(server).ask("k"))
                server.finish()
            self.assertFalse(os.path.exists(path))

    def test_a_second_client_is_told_and_the_first_goes_on(self):
        with Server(guest("debugged")) as server:
            first = Client(server)
            first.ask("qSupported:multiprocess+")
            second = Client(server)
            self.assertEqual(second.receive(), "E.another debugger is connected already")
            self.assertIsNone(second.receive())
            if GDB:
                self.assertIn("another debugger is connected already", gdb([], server))
            self.assertEqual(first.ask("qAttached"), "0")

    def test_the_interrupt_stops_a_run_that_would_go_on_for_ever(self):
        with Server(guest("process_child"), "spin") as server:
            client = Client(server)
            client.send("vCont;c")
            wait_until(lambda: b"+" in client.rest or client.socket.recv(1))
            client.socket.sendall(b"\x03")
            self.assertEqual(client.receive()[:3], "T02")
            client.send("vCont;c")
            client.socket.sendall(b"\x03")
            self.assertEqual(client.receive()[:3], "T02")

    def test_a_second_client_is_refused_while_the_run_goes(self):
        with Server(guest("process_child"), "spin") as server:
            client = Client(server)
            client.send("vCont;c")
            self.assertIn("E.another", Client(server).receive())
            client.socket.sendall(b"\x03")
            self.assertEqual(client.receive()[:3], "T02")

    def test_a_client_that_is_gone_leaves_the_run_to_the_next(self):
        with Server(guest("debugged")) as server:
            first = Client(server)
            before = first.ask("?")
            first.close()
            second = Client(server)
            self.assertEqual(second.ask("?"), before)
            second.ask("D")
            self.assertEqual(server.finish()[0], 3)

    def test_a_client_that_is_gone_while_the_run_goes_stops_it(self):
        with Server(guest("process_child"), "spin") as server:
            first = Client(server)
            first.send("vCont;c")
            first.close()
            second = Client(server)
            self.assertEqual(second.ask("?")[:1], "T")

    def test_an_interrupt_from_the_terminal_ends_it_with_130(self):
        for command in ("?", "vCont;c"):
            with Server(guest("process_child"), "spin") as server:
                client = Client(server)
                client.send(command)
                client.socket.recv(1)
                server.process.send_signal(signal.SIGINT)
                self.assertEqual(server.finish()[0], 130)

    def test_run_does_not_wait_for_a_debugger_when_it_should_not(self):
        with Server("--gdb-no-wait", guest("debugged"), command="run") as server:
            self.assertEqual(server.finish()[:2], (3, "5 rounds made 30, and the child returned 5\n"))
        with Server("--gdb-no-wait", guest("process_child"), "spin", command="run") as server:
            client = Client(server)
            self.assertEqual(client.ask("?")[:1], "T")
            self.assertIsNone(client.ask("k"))
            self.assertEqual(server.finish()[0], 173)

    def test_run_waits_for_a_debugger(self):
        with Server(guest("debugged"), command="run") as server:
            client = Client(server)
            self.assertEqual(client.ask("vCont;c"), "W03")
            client.close()
            self.assertEqual(server.finish()[:2], (3, "5 rounds made 30, and the child returned 5\n"))

    def test_bytes_that_are_no_packets_harm_nothing(self):
        with Server(guest("debugged")) as server:
            client = Client(server)
            client.socket.sendall(b"GET / HTTP/1.1\r\n\r\n$$$#00+-\x03\x00\xff$m0,ffffffffffffffff#ff")
            client.socket.sendall(b"$" + b"x" * 300_000 + b"#00")
            client.rest = b""
            while (answer := client.ask("qC")) is not None and not answer.startswith("QC"):
                pass
            self.assertIsNotNone(answer)


if __name__ == "__main__":
    unittest.main()
