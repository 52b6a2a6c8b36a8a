#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the libFuzzer targets of tests/fuzz: fuzz.py [--seconds N] [NAME...]

Each tests/fuzz/fuzz_<name>.c is compiled with clang and the sanitizers
against the modules that it reads with, and runs for N seconds. What it finds
new is kept in build/fuzz/<name>; an input that fails is left there as crash-*
and the exit status is 1. The last line is `N passed, N failed, 0 skipped`.
"""

import argparse
import os
import pathlib
import shutil
import struct
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
OUT = TOP / "build" / "fuzz"
# The modules that each target reads with, lowest first.
MODULES = {
    "process": ["base", "os", "target", "cpython"],
    "native": ["base", "os", "target", "native"],
    "store": ["base", "os", "profile", "store"],
}
SEEDS = {
    "process": TOP / "tests" / "captures" / "processes",
    "native": OUT / "native-seeds",
}
LONGEST = {"process": 163840, "native": 32768}
# What it changes are words, so comparisons need not be traced: some 2900
# executions a second instead of 600 to 1100.
MORE_FLAGS = {"process": ["-O2", "-fno-sanitize-coverage=trace-cmp"]}
FLAGS = [
    "-g", "-O1", "-std=gnu11", "-D_GNU_SOURCE=1", '-DTARE_VERSION="fuzz"',
    "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined",
]  # fmt: skip
LIBRARIES = ["sqlite3", "libelf", "libdw", "ncursesw"]


def sources(name):
    """The C files of the modules, and what is embedded in them."""
    found = []
    for module in MODULES[name]:
        found += (TOP / "src" / module).rglob("*.c")
    if "store" in MODULES[name]:
        made = OUT / "store_schema.c"
        schema = TOP / "src" / "store" / "schema.sql"
        embed = TOP / "tools" / "embed.py"
        subprocess.run(
            [sys.executable, embed, schema, "store_schema", made], check=True
        )
        found.append(made)
    return [str(path) for path in found]


def make_native_seeds():
    """One of each kind that fuzz_native.c tells by the first byte."""
    folder = SEEDS["native"]
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "seed.c"
    source.write_text("int f(int x) { return x + 1; }\n"
                      "static int g(int x) { return f(x) * f(x + 1); }\n"
                      "int h(int x) { return g(x) + g(2 * x); }\n",
                      encoding="utf-8")
    for name, flags in (("object", ["-c"]),
                        ("library", ["-shared", "-nostdlib", "-fPIC",
                                     "-Wl,-z,noseparate-code",
                                     "-Wl,--build-id"])):
        elf = folder / name
        subprocess.run(["cc", "-O1", *flags, source, "-o", elf], check=True)
        (folder / f"{name}.seed").write_bytes(b"\0" + elf.read_bytes())
        (folder / f"{name}-unwound.seed").write_bytes(
            b"\5" + elf.read_bytes())
        elf.unlink()
    source.unlink()
    (folder / "map.seed").write_bytes(b"\1" + b"1000 10 f\n2000 20 g\n")
    dump = struct.pack("<6I2Q", 0x4A695444, 1, 40, 62, 0, 1, 0, 0)
    dump += struct.pack("<2IQ2I4Q", 0, 60, 0, 1, 1, 4096, 4096, 16, 1)
    dump += b"f\0xx"
    (folder / "jitdump.seed").write_bytes(b"\2" + dump)
    (folder / "ring.seed").write_bytes(
        b"\3\0" + struct.pack("<IHHQIIQ", 9, 2, 32, 4096, 1, 1, 7))
    (folder / "name.seed").write_bytes(b"\4__pyx_pw_3pkg_3mod_1f")


def compile_target(name, source, program):
    libraries = subprocess.run(
        ["pkg-config", "--cflags", "--libs", *LIBRARIES], check=True,
        text=True, stdout=subprocess.PIPE).stdout.split()
    flags = [*FLAGS, *MORE_FLAGS.get(name, []), "-I", str(TOP / "src")]
    subprocess.run(["clang", *flags, str(source), *sources(name), "-o",
                    str(program), *libraries, "-lm", "-pthread"], check=True)


def run_target(name, program, seconds):
    corpus = OUT / name
    corpus.mkdir(exist_ok=True)
    seeds = [str(SEEDS[name])] if name in SEEDS else []
    # Memory that was given back is kept for as long as one execution needs:
    # with 256 MB of it each one works on pages that are new.
    answer = subprocess.run(
        [program, f"-max_total_time={seconds}", "-rss_limit_mb=4096",
         f"-max_len={LONGEST.get(name, 4096)}", "-timeout=10",
         "-verbosity=0", "-print_funcs=0", "-print_final_stats=1",
         f"-artifact_prefix={corpus}/",
         str(corpus), *seeds], check=False,
        env={"ASAN_OPTIONS": "quarantine_size_mb=8", **os.environ})
    return answer.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    if not shutil.which("clang"):
        sys.exit("tools/fuzz.py: clang is missing: tools/setup fuzz")
    OUT.mkdir(parents=True, exist_ok=True)
    make_native_seeds()
    passed = failed = 0
    for name in MODULES:
        if args.names and name not in args.names:
            continue
        program = OUT / f"fuzz_{name}"
        source = TOP / "tests" / "fuzz" / f"fuzz_{name}.c"
        compile_target(name, source, program)
        if run_target(name, program, args.seconds):
            passed += 1
        else:
            failed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
