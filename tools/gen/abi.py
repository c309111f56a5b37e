"""The data of the ABI (kernel/abi/data/*.json), read and checked.

Everything that is generated from the data goes through here, so that a wrong row stops the build with its name
instead of turning up as a wrong line of strace.
"""

import json
import os
import re

# What a value looks like when printed, and how many bytes it has unless the row says otherwise.
SCALARS = {
    "none": 0, "uint": None, "int": None, "hex": None, "bool": None, "size": 8, "offset": 8, "count": 8,
    "address": 8, "paddr": 8, "handle": 4, "koid": 8, "status": 4, "rights": 4, "signals": 4, "time": 8,
    "duration": 8, "ticks": 8, "futex": 4, "string": 1, "bytes": 1,
}

TYPE_SIZES = {
    "char": 1, "int8_t": 1, "uint8_t": 1, "int16_t": 2, "uint16_t": 2, "int32_t": 4, "uint32_t": 4, "int64_t": 8,
    "uint64_t": 8, "size_t": 8, "uintptr_t": 8, "void": 1, "zx_clock_t": 4, "zx_duration_t": 8, "zx_excp_type_t": 4,
    "zx_futex_t": 4, "zx_handle_t": 4, "zx_koid_t": 8, "zx_off_t": 8, "zx_paddr_t": 8, "zx_rights_t": 4,
    "zx_signals_t": 4, "zx_status_t": 4, "zx_stream_seek_origin_t": 4, "zx_ticks_t": 8, "zx_time_t": 8,
    "zx_vaddr_t": 8, "zx_vm_option_t": 4, "zx_object_info_topic_t": 4, "zx_obj_type_t": 4, "zx_handle_op_t": 4,
    "zx_obj_props_t": 4, "zx_info_process_flags_t": 4, "zx_info_maps_type_t": 4, "zx_thread_state_t": 4,
    "zx_thread_state_topic_t": 4, "zx_rsrc_kind_t": 4, "zx_rsrc_flags_t": 4, "zx_rsrc_system_base_t": 8,
    "zx_guest_trap_t": 4, "zx_system_event_type_t": 4, "zx_pci_irq_mode_t": 4,
}
SIGNED_TYPES = {"int8_t", "int16_t", "int32_t", "int64_t", "zx_status_t", "zx_futex_t", "zx_time_t", "zx_duration_t",
                "zx_ticks_t"}

ATTRIBUTES = {"blocking", "const", "handle_unchecked", "internal", "legacy", "next", "noreturn", "testonly",
              "vdso-only"}
RETURN_TYPES = {"void", "zx_status_t", "zx_time_t", "zx_ticks_t", "int64_t", "uint64_t", "uint32_t", "const char*",
                "zx_string_view_t"}
CALL_KEYS = {"name", "category", "number", "attributes", "return_type", "result", "same_as", "does", "arguments",
             "resource", "job_policy", "more_rights", "errors", "notes"}
ARGUMENT_KEYS = {"name", "type", "direction", "is_handle", "optional", "object_type", "rights", "consumed", "format",
                 "length", "length_unit", "stride", "actual", "selector", "faults", "only"}
DIRECTIONS = {"in", "out", "inout"}
MAX_ARGUMENTS = 8


class DataError(Exception):
    """A row of the data that cannot be right."""


def number(value):
    """Data spells bit patterns as strings, since JSON has no hexadecimal."""
    return value if isinstance(value, int) else int(value, 0)


def base_type(c_type):
    return c_type.removeprefix("const ").rstrip("*").strip()


def camel(name):
    return "".join(part.capitalize() for part in name.split("_"))


class Set:
    """Constants that belong together: bits that combine, alternatives, or mere numbers."""

    def __init__(self, name, row):
        self.name = name
        self.kind = row["kind"]
        self.ctype = row["ctype"]
        self.header = row.get("header")
        self.cpp = row.get("cpp")
        self.strip = row.get("strip", "ZX_")
        self.size = TYPE_SIZES[self.ctype]
        self.signed = self.ctype in SIGNED_TYPES
        self.values = []  # (name, value, options)
        for entry in row["values"]:
            options = entry[2] if len(entry) > 2 else {}
            self.values.append((entry[0], number(entry[1]), options))
        # Alternatives whose numbers are bit patterns are printed as such when unknown.
        self.hex = any(isinstance(entry[1], str) for entry in row["values"])
        if self.kind not in ("flags", "enum", "constants"):
            raise DataError(f"set {name}: kind is {self.kind}")
        self.check()

    def check(self):
        limit = 1 << (8 * self.size)
        seen = {}
        for name, value, options in self.values:
            if not (-limit // 2 <= value < limit):
                raise DataError(f"set {self.name}: {name} does not fit into {self.ctype}")
            if options.get("alias") or self.kind == "constants":
                continue
            if value in seen and "mask" not in options:
                raise DataError(f"set {self.name}: {name} and {seen[value]} are the same number")
            seen[value] = name

    def cpp_name(self, name, options):
        """kPermRead for ZX_VM_PERM_READ of a set that strips ZX_VM_."""
        if "cpp" in options:
            return options["cpp"]
        rest = name.removeprefix(self.strip) if name.startswith(self.strip) else name.removeprefix("ZX_")
        return "k" + camel(rest)


class Value:
    """How one value is printed: format, width, and the table that the format needs."""

    def __init__(self, spec, size=None, signed=False):
        self.kind, _, self.param = spec.partition(":")
        self.size = size
        self.signed = signed


class Field:
    def __init__(self, struct, row, model):
        self.name, self.offset, self.size, spec = row[:4]
        options = row[4] if len(row) > 4 else {}
        self.options = options
        self.count = options.get("count", 1)
        self.pointer = options.get("pointer", False)
        self.direction = options.get("direction", "in")
        where = f"{struct.name}.{self.name}"
        signed = spec in ("int", "status", "time", "duration", "ticks")
        self.value = model.value(spec, None if self.pointer else self.size, signed, where)
        unknown = set(options) - {"count", "pointer", "direction", "length", "selector", "actual", "when", "c", "cpp"}
        if unknown:
            raise DataError(f"{where}: unknown {sorted(unknown)}")
        if self.offset + self.size * self.count > struct.size:
            raise DataError(f"{where}: ends past the structure's {struct.size} bytes")


class Struct:
    def __init__(self, row):
        self.row = row
        self.name = row["name"]
        self.arch = row.get("arch")
        self.size = row["size"]
        self.cpp = row["cpp"]
        self.header = row.get("header")
        self.fields = []

    def read_fields(self, model):
        self.fields = [Field(self, row, model) for row in self.row["fields"]]
        names = [field.name for field in self.fields]
        for field in self.fields:
            for key in ("length", "selector"):
                if key in field.options and field.options[key] not in names:
                    raise DataError(f"{self.name}.{field.name}: no field {field.options[key]}")
            if "when" in field.options and field.options["when"][0] not in names:
                raise DataError(f"{self.name}.{field.name}: no field {field.options['when'][0]}")


class Variants:
    """A value whose meaning another one selects: an info record by topic, a packet's payload by type."""

    def __init__(self, name, row):
        self.name = name
        self.row = row
        self.mask = number(row.get("mask", "0xffffffffffffffff"))
        self.cases = []

    def read_cases(self, model):
        self.default = model.value(self.row["default"], self.row.get("size"), False, f"variants {self.name}")
        for case in self.row["cases"]:
            if case[0] not in model.constants:
                raise DataError(f"variants {self.name}: no constant {case[0]}")
            size = case[2] if len(case) > 2 else None
            value = model.value(case[1], size, case[1] == "status", f"variants {self.name}: {case[0]}")
            self.cases.append((case[0], model.constants[case[0]], value))


class Argument:
    def __init__(self, call, row, model):
        where = f"{call.name}({row['name']})"
        self.row = row
        self.name = row["name"]
        self.type = row["type"]
        self.direction = row["direction"]
        self.is_handle = row["is_handle"]
        self.optional = row.get("optional", False)
        self.consumed = row.get("consumed", False)
        self.object_types = row.get("object_type", [])
        self.rights = row.get("rights", [])
        self.pointer = self.type.endswith("*")
        by_default = "bytes" if base_type(self.type) in ("void", "char") else "records"
        self.by_records = row.get("length_unit", by_default) == "records"
        if set(row) - ARGUMENT_KEYS:
            raise DataError(f"{where}: unknown {sorted(set(row) - ARGUMENT_KEYS)}")
        if self.direction not in DIRECTIONS:
            raise DataError(f"{where}: direction is {self.direction}")
        if not self.pointer and self.direction != "in":
            raise DataError(f"{where}: goes out but is no pointer")
        base = base_type(self.type)
        spec = row["format"]
        if base not in TYPE_SIZES and f"struct:{base}" != spec and not self.pointer:
            raise DataError(f"{where}: unknown type {self.type}")
        size = TYPE_SIZES.get(base) if base != "void" else None
        self.value = model.value(spec, size, base in SIGNED_TYPES, where)
        if self.is_handle and base == "zx_handle_t" and spec != "handle":
            raise DataError(f"{where}: a handle printed as {spec}")


class Call:
    def __init__(self, row, model):
        self.row = row
        self.name = row["name"]
        self.category = row.get("category", self.name.split("_")[1])
        self.number = row["number"]
        self.attributes = set(row["attributes"])
        self.return_type = row["return_type"]
        self.does = row["does"]
        self.result = row.get("result", self.return_type)
        if not re.fullmatch(r"zx_[a-z0-9_]+", self.name):
            raise DataError(f"{self.name}: not a name of a call")
        if self.attributes - ATTRIBUTES:
            raise DataError(f"{self.name}: unknown {sorted(self.attributes - ATTRIBUTES)}")
        if self.return_type not in RETURN_TYPES:
            raise DataError(f"{self.name}: returns {self.return_type}")
        if (self.number is None) != ("vdso-only" in self.attributes) and "same_as" not in row:
            raise DataError(f"{self.name}: a call has a number or is vdso-only")
        self.arguments = [Argument(self, argument, model) for argument in row["arguments"]]
        names = [argument.name for argument in self.arguments]
        if len(names) > MAX_ARGUMENTS or len(set(names)) != len(names):
            raise DataError(f"{self.name}: too many arguments, or two of one name")
        for argument in self.arguments:
            for key in ("length", "stride", "actual", "selector"):
                if key in argument.row and argument.row[key] not in names:
                    raise DataError(f"{self.name}({argument.name}): no argument {argument.row[key]}")
            if argument.value.kind == "variant" and "selector" not in argument.row:
                raise DataError(f"{self.name}({argument.name}): a variant without selector")
        self.check_facts(model, names)

    def check_facts(self, model, names):
        if set(self.row) - CALL_KEYS:
            raise DataError(f"{self.name}: unknown {sorted(set(self.row) - CALL_KEYS)}")
        if not self.does.endswith("."):
            raise DataError(f"{self.name}: what it does is no sentence")
        for status in self.row.get("errors", {}):
            if status not in model.constants or not status.startswith("ZX_ERR_"):
                raise DataError(f"{self.name}: no status {status}")
        for name in self.row.get("more_rights", {}):
            if name not in names:
                raise DataError(f"{self.name}: rights of no argument {name}")
        if self.row.get("job_policy", "ZX_POL_NEW_ANY") not in model.constants:
            raise DataError(f"{self.name}: no policy {self.row['job_policy']}")

    def index_of(self, argument, key):
        if key not in argument.row:
            return -1
        return [other.name for other in self.arguments].index(argument.row[key])


class Model:
    """All of the data, with every reference resolved."""

    def __init__(self, folder):
        def load(name):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                return json.load(file)

        constants = load("constants.json")
        self.sets = {name: Set(name, row) for name, row in constants["sets"].items()}
        self.constants = {}
        for group in self.sets.values():
            for name, value, _ in group.values:
                if self.constants.setdefault(name, value) != value:
                    raise DataError(f"{name} has two values")
        self.variants = {name: Variants(name, row) for name, row in constants["variants"].items()}
        self.structs = [Struct(row) for row in load("structs.json")]
        self.struct_names = {struct.name for struct in self.structs}
        for struct in self.structs:
            struct.read_fields(self)
        for variants in self.variants.values():
            variants.read_cases(self)
        self.calls = [Call(row, self) for row in load("syscalls.json") + load("legacy_syscalls.json")]
        self.calls.sort(key=lambda call: call.name)
        self.check_calls()

    def value(self, spec, size, signed, where):
        value = Value(spec, size, signed)
        if value.kind in SCALARS:
            if value.kind in ("string", "bytes"):
                value.size = 1
            elif SCALARS[value.kind] is not None and value.size is None:
                value.size = SCALARS[value.kind]
            if value.size is None:
                raise DataError(f"{where}: {spec} needs a size")
        elif value.kind in ("flags", "enum"):
            group = self.sets.get(value.param)
            if group is None or group.kind != value.kind:
                raise DataError(f"{where}: no set of {value.kind} {value.param}")
            value.size = value.size or group.size
            value.signed = value.signed or group.signed
        elif value.kind == "struct":
            if value.param not in {struct.name for struct in self.structs}:
                raise DataError(f"{where}: no structure {value.param}")
            value.size = max(struct.size for struct in self.structs if struct.name == value.param)
        elif value.kind == "variant":
            if value.param not in self.variants:
                raise DataError(f"{where}: no variants {value.param}")
            value.size = value.size or 0
        else:
            raise DataError(f"{where}: unknown format {spec}")
        return value

    def check_calls(self):
        numbers = {}
        names = set()
        for call in self.calls:
            if call.name in names:
                raise DataError(f"{call.name} stands twice in the table of calls")
            names.add(call.name)
            if call.number is not None and call.number in numbers:
                raise DataError(f"{call.name} and {numbers[call.number]} have the same number")
            numbers[call.number] = call.name

    def structs_by_name(self):
        """Name to {arch or None: structure}, in the order of the data."""
        result = {}
        for struct in self.structs:
            result.setdefault(struct.name, {})[struct.arch] = struct
        return result
