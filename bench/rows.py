"""What is compared with what. docs/benchmarks.md says why."""

import dataclasses
import platform

import dynamic_rows
from measure import Budget, Comparison, PerRound, Program, Whole

ARCHES = ("arm64", "x86_64")
HOST_ARCH = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), platform.machine())
QEMU_NAME = {"arm64": "aarch64", "x86_64": "x86_64"}

# How qemu-system starts an image, and where it is told the rounds. The clock of -icount is the executed instructions,
# one nanosecond each, as ours is.
QEMU_SYSTEM = {
    "arm64": ("-M", "virt", "-cpu", "max", "-semihosting-config", "enable=on,target=native",
              "-device", "loader,addr=0x47000000,data={rounds},data-len=8"),
    "x86_64": ("-M", "pc", "-cpu", "Westmere", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
               "-device", "loader,addr=0x7000000,data={rounds},data-len=8"),
}
# What a program may have much of, and how much: few of it, and two sizes that shall cost the same.
SCALE = {
    "handles": (10, 1_000, 10_000),
    "observers": (10, 1_000, 10_000),
    "waiters": (10, 100, 1_000),
    "packets": (10, 1_000, 4_000),
    "runnable": (10, 100, 1_000),
    "blocked": (10, 1_000, 10_000),
}
# The same of memory: mappings in the process, snapshots in a chain.
MEMORY_SCALE = {
    "mappings": (10, 1_000, 10_000),
    "snapshots": (1, 10, 100, 1_000),
}
# What such an operation may cost by itself, however many there are.
SCALE_LIMITS = {"mappings": Budget(1, "value")}
# Messages of 64 KiB that wait in a channel. They are memory, so the host's own is what they are held against.
MESSAGES = (0, 10, 100, 1_000)

QEMU_RESULT = {"arm64": lambda status: status, "x86_64": lambda status: status >> 1}


class Rows:
    """All comparisons, for the programs of a build folder."""

    def __init__(self, build):
        self.build = build

    def guest(self, arch, program, *arguments, options=()):
        return Program("jacinth", (f"{self.build}/jacinth", "run", *options, f"{self.build}/guests/{arch}/{program}",
                                   *arguments))

    def peer(self, program):
        return f"{self.build}/bench/{program}"

    def bare_unicorn(self, arch, program, budget=None):
        return Program("bare Unicorn", (self.peer("bare_unicorn"), self.peer(f"{program}_{arch}"), "{rounds}"), budget)

    def qemu_user(self, arch, program, budget=None):
        return Program("qemu-user", (f"qemu-{QEMU_NAME[arch]}", self.peer(f"{program}_{arch}"), "{rounds}"), budget)

    def native(self, program, budget=None):
        return Program("native", (self.peer(f"{program}_{HOST_ARCH}"), "{rounds}"), budget)

    def qemu_system(self, arch, program, label, *options):
        return Program(label, (f"qemu-system-{QEMU_NAME[arch]}", "-accel", "tcg", *options, "-m", "256", "-nodefaults",
                               "-display", "none", "-kernel", self.peer(f"{program}_{arch}"), *QEMU_SYSTEM[arch]),
                       result=QEMU_RESULT[arch])

    def compute(self, arch, workload):
        linux, bare = f"linux_{workload}", f"bare_{workload}"
        peers = [self.bare_unicorn(arch, linux, Budget(1.05)), self.qemu_user(arch, linux),
                 self.qemu_system(arch, bare, "qemu-system"),
                 self.qemu_system(arch, bare, "qemu-system -icount", "-icount", "shift=0,sleep=off")]
        if arch == HOST_ARCH:
            peers.append(self.native(linux))
        return Comparison(f"{workload}/{arch}", "ms", PerRound(10, 510, 1e3),
                          self.guest(arch, f"bench_{workload}", "{rounds}"), tuple(peers), agree=True)

    def call(self, arch):
        return Comparison(f"call/{arch}", "ns", PerRound(10_000, 1_510_000, 1e9),
                          self.guest(arch, "bench_empty_call", "{rounds}"),
                          (self.native("linux_getppid", Budget(1.0)), self.qemu_user(arch, "linux_getppid"),
                           self.bare_unicorn(arch, "linux_getppid")))

    def null_call(self, arch):
        return Comparison(f"null-call/{arch}", "ns", PerRound(10_000, 1_510_000, 1e9),
                          self.guest(arch, "bench_null_call", "{rounds}"),
                          (self.bare_unicorn(arch, "linux_getppid", Budget(2.0)),))

    def scale(self, arch, what, size, few, program_name="bench_scale"):
        """An operation among `size` things, against the same among few."""
        def program(label, count):
            options = ("--cpus", "1") if what in ("runnable", "blocked") else ()
            guest = self.guest(arch, program_name, what, str(count), "{rounds}", options=options)
            return dataclasses.replace(guest, label=label)
        peers = [dataclasses.replace(program(f"among {few}", few), budget=Budget(2.0))]
        if what == "mappings":
            peers.append(Program("native", (self.peer("native_memory"), what, str(size), "{rounds}")))
        return Comparison(f"{what}-{size}/{arch}", "us", PerRound(10_000, 210_000, 1e6), program("jacinth", size),
                          tuple(peers), SCALE_LIMITS.get(what))

    def messages(self, arch, size):
        copy = Program("native, copied twice", (self.peer("native_copy"), str(size), "{rounds}"), Budget(1.5))
        return Comparison(f"messages-{size}/{arch}", "us", PerRound(1_000, 21_000, 1e6),
                          self.guest(arch, "bench_scale", "messages", str(size), "{rounds}"), (copy,))

    def roundtrip(self, arch):
        pipe = (self.peer("native_pipe"), "{rounds}")
        return Comparison(f"roundtrip/{arch}", "us", PerRound(1_000, 101_000, 1e6),
                          self.guest(arch, "bench_pingpong", "{rounds}"),
                          (Program("native pipes", pipe), Program("native pipes, 1 CPU", pipe, Budget(0.25), one_cpu=True)))

    def recorded(self, arch, what, program, arguments, few, many, limits):
        """The same run plain, recorded at both levels, and replayed is what it is held against."""
        plain = self.guest(arch, program, *arguments)
        unit, scale = ("us", 1e6) if program == "bench_pingpong" else ("ms", 1e3)
        for level, limit in limits.items():
            command = (plain.command[0], "record", "-o", "/dev/null", f"--record-level={level}", *plain.command[2:])
            subject = dataclasses.replace(plain, label=level, command=command)
            peer = dataclasses.replace(plain, label="not recorded", budget=Budget(limit))
            yield Comparison(f"record-{level}-{what}/{arch}", unit, PerRound(few, many, scale), subject, (peer,),
                             agree=program != "bench_pingpong")

    def replayed(self, arch):
        """A recording made again, against the recorded run."""
        plain = self.guest(arch, "bench_pingpong", "{rounds}")
        record = (plain.command[0], "record", "-o", "{file}", *plain.command[2:])
        subject = dataclasses.replace(plain, label="replayed", command=(plain.command[0], "replay", "{file}"),
                                      prepare=record)
        recorded = dataclasses.replace(plain, label="recorded", command=record, budget=Budget(1.1))
        return Comparison(f"replay-roundtrip/{arch}", "us", PerRound(1_000, 101_000, 1e6), subject,
                          (recorded, dataclasses.replace(plain, label="not recorded")))

    def strace(self, arch):
        """A line of strace into a file, against the call alone and what else prints such lines."""
        plain = dataclasses.replace(self.guest(arch, "bench_null_call", "{rounds}"), label="not traced",
                                    budget=Budget(1, "difference"))
        subject = self.guest(arch, "bench_null_call", "{rounds}", options=("--strace={file}",))
        call = "linux_getppid"
        peers = [plain, Program("qemu-user -strace", (f"qemu-{QEMU_NAME[arch]}", "-strace", "-D", "{file}",
                                                      self.peer(f"{call}_{arch}"), "{rounds}"))]
        if arch == HOST_ARCH:
            peers.append(Program("strace", ("strace", "-o", "{file}", self.peer(f"{call}_{arch}"), "{rounds}")))
        return Comparison(f"strace-call/{arch}", "us", PerRound(1_000, 101_000, 1e6), subject, tuple(peers))

    def step_back(self, arch):
        """An instruction back, at the end of a billion of them."""
        guest = Program("jacinth", (f"{self.build}/jacinth", "debug", "-e", "seek 1s", "-e", "rstep {rounds}",
                                    f"{self.build}/guests/{arch}/bench_integer", "2500"))
        return Comparison(f"step-back/{arch}", "ms", PerRound(1, 2001, 1e3), guest, budget=Budget(20, "value"))

    def restore(self, arch):
        """A machine taken back, 64 of whose pages were written to."""
        command = (self.peer("restore"), f"{self.build}/guests/{arch}/hello", "64", "{rounds}")
        kept = Program("pages copied", (*command, "kept"), Budget(20, "difference"))
        return Comparison(f"restore-64/{arch}", "us", PerRound(1_000, 51_000, 1e6), Program("jacinth", command), (kept,))

    def fault(self, arch):
        return Comparison(f"exception/{arch}", "us", PerRound(100, 20_100, 1e6),
                          self.guest(arch, "bench_fault", "{rounds}"), budget=Budget(3, "value"))

    def threads(self, arch, what, few, many, unit, scale, limit):
        one_cpu = what in ("switch", "processes")
        guest = self.guest(arch, "bench_threads", what, "{rounds}", options=("--cpus", "1") if one_cpu else ())
        native = Program("native", (self.peer("native_threads"), what, "{rounds}"), one_cpu=one_cpu)
        name = {"switch": "switch-threads", "processes": "switch-processes", "life": "thread", "spawn": "process"}[what]
        return Comparison(f"{name}/{arch}", unit, PerRound(few, many, scale), guest, (native,), Budget(limit, "value"))

    def touch(self, arch, memory, few, many):
        native = Program("native", (self.peer("native_touch"), memory, "{rounds}"), Budget(1.0))
        return Comparison(f"touch-{memory}/{arch}", "us", PerRound(few, many, 1e6 / 256),
                          self.guest(arch, "bench_touch", memory, "{rounds}"), (native,))

    def reclaim(self, arch):
        loans = ("--kernel-arg", "kernel.ppb.loan=true", "--kernel-arg", "kernel.ppb.borrow-in-supplypages=true")
        guest = Program("jacinth", (f"{self.build}/jacinth", "run", "--root", *loans,
                                    f"{self.build}/guests/{arch}/bench_reclaim", "{rounds}"))
        return Comparison(f"reclaim-1000/{arch}", "us", PerRound(2, 42, 1e6 / 1000), guest, budget=Budget(3, "value"))

    def pages(self, arch, what, pages, few, many, limit):
        """What `pages` pages cost, against the host's own."""
        native = Program("native", (self.peer("native_memory"), what, str(pages), "{rounds}"), Budget(limit))
        return Comparison(f"{what}-{pages}/{arch}", "us", PerRound(few, many, 1e6 / pages),
                          self.guest(arch, "bench_memory", what, str(pages), "{rounds}"), (native,))

    def sparse(self, arch):
        """1 GiB that nobody touches."""
        return Comparison(f"sparse-1G/{arch}", "MB", PerRound(10, 1_010, 1e-6, "peak"),
                          self.guest(arch, "bench_memory", "sparse", str(1 << 18), "{rounds}"),
                          budget=Budget(0.01, "value"))

    def hello(self, arch):
        program = self.peer(f"linux_hello_{arch}")
        return Comparison(f"hello/{arch}", "ms", Whole(1e3), self.guest(arch, "hello"),
                          (Program("qemu-user", (f"qemu-{QEMU_NAME[arch]}", program), Budget(10, "difference")),))

    def idle(self, arch):
        return Comparison(f"idle-process/{arch}", "MB", PerRound(8, 40, 1e-6, "peak", quick=4),
                          self.guest(arch, "bench_idle", "{rounds}"), budget=Budget(4, "value"))

    def all(self):
        for arch in ARCHES:
            yield self.compute(arch, "integer")
            yield self.compute(arch, "mixed")
        for arch in ARCHES:
            yield self.call(arch)
        for arch in ARCHES:
            yield self.null_call(arch)
            yield self.step_back(arch)
            yield self.restore(arch)
        for arch in ARCHES:
            yield self.roundtrip(arch)
        for arch in ARCHES:
            yield from self.recorded(arch, "roundtrip", "bench_pingpong", ("{rounds}",), 1_000, 101_000,
                                     {"digests": 1.05, "full": 2.0})
            yield from self.recorded(arch, "integer", "bench_integer", ("{rounds}",), 10, 510, {"digests": 1.01})
            yield self.replayed(arch)
            yield self.strace(arch)
        for arch in ARCHES:
            yield self.fault(arch)
        for arch in ARCHES:
            yield self.threads(arch, "life", 1_000, 101_000, "us", 1e6, 5)
            yield self.threads(arch, "switch", 1_000, 401_000, "us", 1e6 / 2, 0.6)
            yield self.threads(arch, "processes", 1_000, 401_000, "us", 1e6 / 2, 0.8)
            yield self.threads(arch, "spawn", 10, 1_010, "ms", 1e3, 1.5)
        # The kernel is the same on both: once is enough.
        for size in MESSAGES:
            yield self.messages("arm64", size)
        for what, (few, *sizes) in SCALE.items():
            for size in sizes:
                yield self.scale("arm64", what, size, few)
        for arch in ARCHES:
            yield self.touch(arch, "again", 10, 410)
            yield self.touch(arch, "fresh", 10, 310)
        yield self.reclaim("arm64")
        for arch in ARCHES:
            yield self.pages(arch, "written", 256, 10, 210, 1.0)
        yield self.pages("arm64", "commit", 65_536, 1, 5, 1.0)
        yield self.sparse("arm64")
        for what, (few, *sizes) in MEMORY_SCALE.items():
            for size in sizes:
                yield self.scale("arm64", what, size, few, "bench_memory")
        for arch in ARCHES:
            yield self.hello(arch)
        for arch in ARCHES:
            yield from dynamic_rows.rows(self.build, arch)
        for arch in ARCHES:
            yield self.idle(arch)
