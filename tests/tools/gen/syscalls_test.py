"""The generators of the ABI give the same text every time, and refuse data that cannot be right."""

import copy
import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
DATA = os.path.join(ROOT, "kernel", "abi", "data")
GENERATOR = os.path.join(ROOT, "tools", "gen", "syscalls.py")
GUEST_HEADERS = os.path.join(ROOT, "tools", "gen", "guest_headers.py")


def generate(what, data=DATA, hash_seed="0"):
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "out")
        done = subprocess.run([sys.executable, GENERATOR, what, "--data", data, "--output", output],
                              env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"},
                              capture_output=True, text=True)
        if done.returncode != 0:
            return done.stderr
        with open(output, encoding="utf-8") as file:
            return file.read()


class GeneratorTest(unittest.TestCase):
    def test_same_text_whatever_the_hash_seed(self):
        for what in ("tables", "checks"):
            texts = {generate(what, hash_seed=seed) for seed in ("0", "1", "4711")}
            self.assertEqual(len(texts), 1, what)
            self.assertGreater(len(texts.pop()), 10000)

    def test_same_guest_headers_whatever_the_hash_seed(self):
        def headers(seed):
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run([sys.executable, GUEST_HEADERS, "headers", "--data", DATA, "--output", folder],
                               check=True, env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"})
                files = {}
                for name in os.listdir(folder):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        files[name] = file.read()
                return files
        self.assertEqual(headers("0"), headers("4711"))
        self.assertIn("#define ZX_PKT_TYPE_SIGNAL_ONE (1u)", headers("0")["port.h"])

    def refuse(self, file, change, message):
        """Applies `change` to one file of the data; the generator must stop and name the reason."""
        with tempfile.TemporaryDirectory() as folder:
            for name in filter(lambda name: name.endswith(".json"), os.listdir(DATA)):
                with open(os.path.join(DATA, name), encoding="utf-8") as source:
                    data = json.load(source)
                if name == file:
                    original = copy.deepcopy(data)
                    change(data)
                    self.assertNotEqual(data, original)
                with open(os.path.join(folder, name), "w", encoding="utf-8") as copied:
                    json.dump(data, copied)
            output = generate("tables", folder)
            self.assertTrue(output.startswith("syscalls.py: "), output[:200])
            self.assertIn(message, output)

    def call(self, data, name):
        return next(row for row in data if row["name"] == name)

    def test_refuses_two_calls_of_one_number(self):
        self.refuse("syscalls.json", lambda data: self.call(data, "zx_port_wait").update(number=98), "zx_port_wait")

    def test_refuses_a_length_that_is_no_argument(self):
        def change(data):
            self.call(data, "zx_channel_read")["arguments"][2]["length"] = "num_byte"
        self.refuse("syscalls.json", change, "zx_channel_read(bytes): no argument num_byte")

    def test_refuses_an_error_that_is_no_status(self):
        def change(data):
            self.call(data, "zx_port_wait")["errors"]["ZX_ERR_TIMEOUT"] = "none came"
        self.refuse("syscalls.json", change, "zx_port_wait: no status ZX_ERR_TIMEOUT")

    def test_refuses_a_key_that_nothing_reads(self):
        def change(data):
            self.call(data, "zx_port_wait")["arguments"][2]["lenght"] = "deadline"
        self.refuse("syscalls.json", change, "zx_port_wait(packet): unknown ['lenght']")

    def test_refuses_an_unknown_format(self):
        def change(data):
            self.call(data, "zx_vmo_create")["arguments"][1]["format"] = "flags:vmo"
        self.refuse("syscalls.json", change, "zx_vmo_create(options): no set of flags vmo")

    def test_refuses_a_ninth_argument(self):
        def change(data):
            arguments = self.call(data, "zx_channel_read")["arguments"]
            arguments.append({**arguments[1], "name": "more"})
        self.refuse("syscalls.json", change, "zx_channel_read: too many arguments")

    def test_refuses_a_field_past_the_end(self):
        def change(data):
            next(row for row in data if row["name"] == "zx_wait_item_t")["size"] = 8
        self.refuse("structs.json", change, "zx_wait_item_t.pending: ends past the structure's 8 bytes")

    def test_refuses_two_names_for_one_alternative(self):
        def change(data):
            data["sets"]["vmo_op"]["values"].append(["ZX_VMO_OP_AGAIN", 10])
        self.refuse("constants.json", change, "ZX_VMO_OP_AGAIN and ZX_VMO_OP_ZERO are the same number")

    def test_refuses_a_constant_that_does_not_fit(self):
        def change(data):
            data["sets"]["vm_option"]["values"].append(["ZX_VM_HUGE", "0x100000000"])
        self.refuse("constants.json", change, "ZX_VM_HUGE does not fit")
