# SPDX-License-Identifier: MIT
"""The samplers of the bench behind one face: attach to a process for some
seconds, say what it cost and how many stacks came of it."""

import collections
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent
sys.path.insert(0, str(TOP / "tests" / "truth"))

import tare_runs  # noqa: E402
from legal_stacks import Frame, parse_collapsed, plain_name  # noqa: E402

VENV = TOP / "build" / "bench-venv"
GRACE_S = 60

# cpu_s is of the sampler; complete are whole stacks, one for each thread
# looked at; taken are those and the ones that the tool itself gave up.
Outcome = collections.namedtuple("Outcome", "cpu_s complete taken size said")


class Unfit(Exception):
    """The tool cannot do this here; the text says why."""


def run_metered(command, seconds, fine=(0,)):
    """Run it; (its text, its CPU seconds). Only for tools that end alone,
    with one of the exit statuses `fine`."""
    with open(os.devnull, "rb") as null, subprocess.Popen(
            command, stdin=null, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=tare_runs.environment()) as process:
        end = time.monotonic() + seconds + GRACE_S
        os.set_blocking(process.stdout.fileno(), False)
        text = b""
        while True:
            text += process.stdout.read() or b""
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > end:
                process.kill()
                raise Unfit(f"{command[0]} did not end in time")
            time.sleep(0.02)
        text += process.stdout.read() or b""
        process.returncode = os.waitstatus_to_exitcode(status)
    said = text.decode(errors="replace")
    if process.returncode not in fine:
        raise Unfit(f"exit status {process.returncode}: {last_line(said)}")
    return said, usage.ru_utime + usage.ru_stime


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no word"


class Tool:
    """One sampler. `interpreter` is what the target runs under."""

    name = None
    can_keep_rate = True
    fastest = 1000000  # a rate that nobody keeps: as fast as it goes

    def attach(self, target, seconds, rate, every):
        """An Outcome. every: look at all threads, or only at the main one
        where the tool can tell them apart."""
        raise NotImplementedError

    def stacks(self, target):
        """What the last attach() wrote: [(frames, count)], paths by their
        last part."""
        raise NotImplementedError


class Tare(Tool):
    name = "tare"
    fastest = 100000  # the most it accepts

    def __init__(self, *options):
        self.options = options
        if options:
            self.name = "tare " + " ".join(options)

    def attach(self, target, seconds, rate, every):
        out = target.place.outside / "bench.tare"
        out.unlink(missing_ok=True)
        said, cpu_s = run_metered(
            [str(tare_runs.TARE), "attach", str(target.pid), "--rate",
             str(rate), "-d", str(seconds), "-o", str(out), "--no-report",
             *self.options], seconds)
        self.recording = tare_runs.Recording(out, "")
        sampling = self.recording.sampling()
        return Outcome(cpu_s, sampling["complete"], sampling["taken"],
                       out.stat().st_size, said)

    def stacks(self, target):
        return by_last_part(self.recording.collapsed())


@functools.cache
def built(name):
    """The path of a program of this folder in C."""
    subprocess.run(["ninja", "-C", str(TOP / "build"), f"bench/{name}"],
                   check=True, stdout=subprocess.DEVNULL)
    return str(TOP / "build" / "bench" / name)


class OnlySleep(Tool):
    """Wakes as often as the others, and does nothing: what is left of their
    cost is none of their doing."""

    name = "only sleep"

    def __init__(self):
        self.program = built("only_sleep")

    def attach(self, target, seconds, rate, every):
        said, cpu_s = run_metered(
            [self.program, str(seconds), str(rate)], seconds)
        return Outcome(cpu_s, 0, json.loads(said)["sleeps"], 0, said)

    def stacks(self, target):
        raise Unfit("it takes no stacks")


class TareRaw(Tool):
    """tare's sampler without its program: no file, no limit of the rate.
    The counterpart of TachyonRaw."""

    name = "tare raw"
    can_keep_rate = False

    def attach(self, target, seconds, rate, every):
        answer = subprocess.run(
            [built("full_speed"), str(target.pid), str(seconds)], check=False,
            text=True, timeout=seconds + GRACE_S, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        if answer.returncode:
            raise Unfit(last_line(answer.stderr))
        told = json.loads(answer.stdout)
        taken = told["complete"] + told["salvaged"] + told["lost"]
        return Outcome(told["cpu_s"], told["complete"], taken, 0, "")

    def stacks(self, target):
        raise Unfit("it writes no stacks")


class Tachyon(Tool):
    """profiling.sampling of the target's own Python."""

    name = "Tachyon"

    def __init__(self, *options):
        self.options = options
        if options:
            self.name = "Tachyon " + " ".join(options)

    def attach(self, target, seconds, rate, every):
        check_has_tachyon(target)
        out = target.place.outside / "bench.collapsed"
        out.unlink(missing_ok=True)
        said, cpu_s = run_metered(
            target.place.interpreter.command(
                "-m", "profiling.sampling", "attach", str(target.pid),
                "-r", str(rate), "-d", str(seconds), "--collapsed", "-o",
                str(target.place.inside / out.name),
                *(["-a"] if every else []), *self.options), seconds)
        captured = re.search(r"Captured ([\d.,]+) samples?", said)
        errors = re.search(r"Error rate: ([\d.]+)", said)
        if not captured or not errors or not out.exists():
            raise Unfit(last_line(said))
        complete = sum(count for _, count in self.stacks(target))
        lost = float(errors[1]) / 100
        return Outcome(cpu_s, complete,
                       complete / (1 - lost) if lost < 1 else 0,
                       out.stat().st_size, said)

    def stacks(self, target):
        text = (target.place.outside / "bench.collapsed").read_text(
            errors="replace")
        found = []
        for line in text.splitlines():
            stack, _, count = line.rpartition(" ")
            frames = []
            for part in stack.split(";")[1:]:
                path, _, rest = part.partition(":")
                name, _, number = rest.rpartition(":")
                if name:  # else <GC>, <native>: no frame of the program
                    frames.append(Frame(plain_name(name), path, int(number)))
            found.append((frames, int(count)))
        return found


class TachyonBinary(Tachyon):
    """Its compact format, in which stacks are not counted: all looks of all
    threads are taken to be there."""

    name = "Tachyon --binary"

    def attach(self, target, seconds, rate, every):
        check_has_tachyon(target)
        out = target.place.outside / "bench.tachyon"
        out.unlink(missing_ok=True)
        said, cpu_s = run_metered(
            target.place.interpreter.command(
                "-m", "profiling.sampling", "attach", str(target.pid), "-r",
                str(rate), "-d", str(seconds), "--binary", "-o",
                str(target.place.inside / out.name),
                *(["-a"] if every else [])), seconds)
        captured = re.search(r"Captured ([\d.,]+) samples?", said)
        if not captured or not out.exists():
            raise Unfit(last_line(said))
        looks = int(captured[1].replace(",", "").replace(".", ""))
        threads = len(os.listdir(f"/proc/{target.pid}/task")) if every else 1
        return Outcome(cpu_s, looks * threads, looks * threads,
                             out.stat().st_size, said)


class TachyonRaw(Tool):
    """Its reader alone, as fast as it goes; the rate is not asked."""

    name = "Tachyon's reader"
    can_keep_rate = False

    def attach(self, target, seconds, rate, every):
        check_has_tachyon(target)
        script = target.place.copy(HERE / "tachyon_raw.py")
        said, _ = run_metered(
            target.place.interpreter.command(
                script, str(target.pid), str(seconds),
                "all" if every else "main"), seconds)
        told = json.loads(last_line(said))
        good = told["looks"] - told["errors"]
        taken = told["stacks"] * told["looks"] / good if good else 0
        return Outcome(told["cpu_s"], told["stacks"], taken, 0, said)


def check_has_tachyon(target):
    if target.place.version < (3, 15):
        raise Unfit("CPython has it from 3.15 on, and only for itself")


class Austin(Tool):
    name = "Austin"

    def attach(self, target, seconds, rate, every):
        out = target.place.outside / "bench.mojo"
        out.unlink(missing_ok=True)
        interval = max(1, round(1e6 / rate))
        # -x knows whole seconds only, and ends an attach with 254.
        said, cpu_s = run_metered(
            [*austin_command(), "-i", f"{interval}us", "-x",
             str(max(1, round(seconds))), "-p", str(target.pid), "-o",
             str(out)], seconds, (0, 254))
        told = re.search(r"(\d+)/(\d+)", said)
        if not told:
            raise Unfit(last_line(said))
        errors, taken = int(told[1]), int(told[2])
        return Outcome(cpu_s, taken - errors, taken, out.stat().st_size, said)

    def stacks(self, target):
        mojo = target.place.outside / "bench.mojo"
        text = target.place.outside / "bench.austin"
        subprocess.run([str(VENV / "bin" / "mojo2austin"), str(mojo),
                        str(text)], check=True, capture_output=True,
                       timeout=GRACE_S)
        found = collections.Counter()
        for line in text.read_text(errors="replace").splitlines():
            if line.startswith("#") or " " not in line:
                continue
            frames = []
            for part in line.rpartition(" ")[0].split(";"):
                fields = part.split(":")
                if len(fields) >= 3 and fields[2].isdigit():
                    frames.append(Frame(plain_name(fields[1]),
                                        os.path.basename(fields[0]),
                                        int(fields[2])))
            found[tuple(frames)] += 1
        return [(list(frames), n) for frames, n in found.items() if frames]


def austin_command():
    """Its wheel wants a newer libc than Debian 12 has: then with the loader
    and the libraries of a newer Debian among the fetched Pythons."""
    program = str(VENV / "bin" / "austin")
    if runs([program, "--version"]):
        return [program]
    for one in reversed(tare_runs.interpreters()):
        if not one.root:
            continue
        root = pathlib.Path(one.root)
        for loader in sorted(root.glob("lib64/ld-linux-*.so.*")):
            folders = ":".join(map(str, root.glob("usr/lib/*-linux-gnu")))
            command = [str(loader), "--library-path", folders, program]
            if runs([*command, "--version"]):
                return command
    raise Unfit("it does not start: its libc is newer than this one")


def runs(command):
    try:
        return subprocess.run(command, capture_output=True, timeout=10,
                              check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


class PySpy(Tool):
    """Without stopping the target, as the others; with its threads that
    wait, so that each look counts every thread."""

    # It takes all the samples of its duration, however late: asked for more
    # than it can do it runs on and on.
    fastest = 10000

    def __init__(self, *options):
        self.options = options or ("--nonblocking",)
        self.name = "py-spy" if not options else "py-spy, stopping"

    def attach(self, target, seconds, rate, every):
        out = target.place.outside / "bench.raw"
        out.unlink(missing_ok=True)
        # Its -d knows whole seconds only.
        options = [o for o in self.options if o != "--blocking"]
        said, cpu_s = run_metered(
            [str(VENV / "bin" / "py-spy"), "record", "-p", str(target.pid),
             "-r", str(rate), "-d", str(max(1, round(seconds))), "-f", "raw",
             "--idle", "--full-filenames", "-o", str(out), *options], seconds)
        told = re.search(r"Errors: (\d+)", said)
        if not told or not out.exists():
            raise Unfit(last_line(said))
        complete = sum(count for _, count in self.stacks(target))
        return Outcome(cpu_s, complete, complete + int(told[1]),
                       out.stat().st_size, said)

    def stacks(self, target):
        """Lines without a stack are looks at a thread that had none. Where
        it took a docstring for a name, the stack is spread over lines."""
        text = (target.place.outside / "bench.raw").read_text()
        return by_last_part(parse_collapsed("".join(
            line for line in text.splitlines(True)
            if re.fullmatch(r"[^ ].* \d+\n", line))))


def by_last_part(stacks):
    return [([f._replace(path=os.path.basename(f.path)) for f in frames], n)
            for frames, n in stacks]
