"""Programs with a dynamic linker and a C library: one source, for Fuchsia in Jacinth and for Linux in qemu-user.

They are built when they are measured: against the SDK that JACINTH_FUCHSIA_SDK names, and with a compiler for Linux that
has a C library for the architecture.
"""

import os
import pathlib
import shutil

from measure import Budget, Comparison, PerRound, Program, Whole

FOLDER = pathlib.Path(__file__).resolve().parent / "dynamic"
SDK = os.environ.get("JACINTH_FUCHSIA_SDK")
# By architecture: what the SDK calls it, what clang does; a compiler for Linux, and how qemu-user is started.
SDK_NAME = {"arm64": "arm64", "x86_64": "x64"}
TARGET = {"arm64": "aarch64-fuchsia", "x86_64": "x86_64-fuchsia"}
LINUX_COMPILER = {"arm64": "aarch64-linux-gnu-gcc", "x86_64": "x86_64-linux-gnu-gcc"}
QEMU = {"arm64": ("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"), "x86_64": ("qemu-x86_64",)}


def fuchsia(build, arch, name):
    command = (f"{build}/jacinth", "run", f"--libs={SDK}", "{file}", "{rounds}")
    if not SDK:
        return Program("jacinth", command, lacks="JACINTH_FUCHSIA_SDK is not set")
    clang = shutil.which("clang-16") or "clang"
    sysroot = f"{SDK}/arch/{SDK_NAME[arch]}/sysroot"
    # Without a library of the compiler's own, and with code that may be read, as in 2020.
    own = ("-mno-outline-atomics", "-Wl,--no-execute-only") if arch == "arm64" else ()
    options = ("-O2", "-fPIE", *own, "-nostdlib", "-fuse-ld=lld", "-Wl,--no-as-needed")
    return Program("jacinth", command, prepare=(
        clang, f"--target={TARGET[arch]}", f"--sysroot={sysroot}", *options, f"{sysroot}/lib/Scrt1.o",
        f"{FOLDER}/{name}.c", f"-L{sysroot}/lib", f"-L{SDK}/arch/{SDK_NAME[arch]}/lib", "-lfdio",
        "-lc", "-lzircon", "-o", "{file}"))


def linux(arch, name):
    return Program("qemu-user", (*QEMU[arch], "{file}", "{rounds}"),
                   prepare=(LINUX_COMPILER[arch], "-O2", "-fPIE", "-pie", "-pthread", f"{FOLDER}/{name}.c", "-o", "{file}"))


def rows(build, arch):
    def comparison(name, unit, measure, program, budget=None):
        return Comparison(f"{name}/{arch}", unit, measure, fuchsia(build, arch, program), (linux(arch, program),), budget)

    yield comparison("dynamic-hello", "ms", Whole(1e3), "hello", Budget(25, "value"))
    yield comparison("dynamic-allocate", "us", PerRound(10, 2_010, 1e3), "allocate")
    yield comparison("dynamic-turns", "us", PerRound(1_000, 101_000, 1e6), "turns")
