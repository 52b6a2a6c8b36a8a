#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tare and its peers side by side, in one run.

  run.py [--quick] [--only cost,slow,truth,store] [--json FILE]

cost    CPU of the sampler for each complete stack, at full speed and 1 kHz
slow    how much slower the target gets at 1 kHz, by CPU and by wall time
truth   impossible stacks on programs whose legal stacks are known
store   bytes on disk for a sample, and memory

The tools take turns within each round, in an order that changes, and ratios
are formed within rounds, so that what else the machine does hits all alike.
Intervals are 95 %. Nothing here fails because of a figure; tests do that.
"""

import argparse
import contextlib
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

import estimate
import peers
import tare_runs
from legal_stacks import judge
from peers import Unfit
from serial_programs import PROGRAMS

HERE = pathlib.Path(__file__).resolve().parent
PIP = ["-q", "--disable-pip-version-check", "install", "-r"]
FASTEST = 0  # stands for what each tool calls its fastest
SHORT_S, LONG_S = 1, 3
MARGIN_S = 0.4  # start-up of a tool, left out of what is compared
HALF_WIDTH = 0.007


def say(text=""):
    print(text, file=sys.stderr, flush=True)


# ---------------------------------------------------------------- setting up


def enter_namespace():
    """Mount /proc inside the unpacked Debians, where only we see it: a
    sampler that lives in one needs it."""
    if os.geteuid() or os.environ.get("TARE_BENCH_NAMESPACE"):
        return
    os.environ["TARE_BENCH_NAMESPACE"] = "1"
    with contextlib.suppress(OSError):
        os.execvp("unshare", ["unshare", "--mount", sys.executable,
                              *sys.argv])


def mount_proc(interpreter):
    if interpreter.root and not os.path.exists(
            os.path.join(interpreter.root, "proc", "self")):
        subprocess.run(["mount", "-t", "proc", "proc",
                        os.path.join(interpreter.root, "proc")], check=False,
                       capture_output=True)


def install_peers():
    """What is pinned, in a folder of its own; without a network we go on
    with what there is."""
    wanted = HERE / "requirements.txt"
    stamp = peers.VENV / "installed"
    if stamp.exists() and stamp.read_text() == wanted.read_text():
        return
    say(f"bench: installing the peers into {peers.VENV}")
    subprocess.run([sys.executable, "-m", "venv", str(peers.VENV)],
                   check=True)
    answer = subprocess.run([str(peers.VENV / "bin" / "python"), "-m", "pip",
                             *PIP, str(wanted)], check=False)
    if answer.returncode:
        say("bench: some peers could not be installed; going on without")
    else:
        stamp.write_text(wanted.read_text())


class Target:
    """A running bench_target.py or program, with its place."""

    def __init__(self, place, *args):
        self.place = place
        self.process = subprocess.Popen(
            place.interpreter.command(*args), stdout=subprocess.PIPE,
            env=tare_runs.environment(), cwd="/")
        self.pid = self.process.pid

    def wait_ready(self):
        if self.process.stdout.readline() != b"ready\n":
            raise Unfit("the target did not start")
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def target_of(interpreter, *args):
    with tare_runs.place_for(interpreter) as place:
        place.copy(tare_runs.HERE / "real_programs.py")
        script = place.copy(HERE / "bench_target.py")
        args = [a.format(place=place.inside) for a in args]
        with Target(place, script, *args) as target:
            yield target.wait_ready()


def newest(interpreters, below=(99, 0)):
    """The newest interpreter before the release `below`."""
    fit = [i for i in interpreters if tare_runs.minor_of(i) < below]
    return fit[-1] if fit else None


# ------------------------------------------------------------------- cost


class Costs:
    """Microseconds of CPU for a complete stack, tool by tool, round by
    round. Start-up is taken out: what two lengths of recording differ in."""

    def __init__(self, tools):
        self.tools = tools
        self.us = {tool.name: [] for tool in tools}
        self.usable = {tool.name: [] for tool in tools}
        self.rate = {tool.name: [] for tool in tools}
        self.unfit = {}

    def round(self, target, rate, every, chance):
        """None stands for a tool that failed in this round."""
        for tool in chance.sample(self.tools, len(self.tools)):
            us = None
            if tool.name not in self.unfit:
                try:
                    us = self._measure(tool, target, rate, every)
                except Unfit as why:
                    self.unfit[tool.name] = str(why)
            self.us[tool.name].append(us)

    def _measure(self, tool, target, rate, every):
        rate = rate or tool.fastest
        if not tool.can_keep_rate:
            one = tool.attach(target, LONG_S, rate, every)
            cpu_s, stacks, taken = one.cpu_s, one.complete, one.taken
        else:
            short = tool.attach(target, SHORT_S, rate, every)
            long = tool.attach(target, LONG_S, rate, every)
            cpu_s = long.cpu_s - short.cpu_s
            stacks = long.complete - short.complete
            taken = long.taken - short.taken
        length = LONG_S - (SHORT_S if tool.can_keep_rate else 0)
        if stacks <= 0 or taken <= 0:
            return None
        self.usable[tool.name].append(stacks / taken)
        self.rate[tool.name].append(stacks / length)
        return 1e6 * cpu_s / stacks

    def result(self):
        ours = self.us.get("tare raw") or self.us["tare"]
        rows = []
        for tool in self.tools:
            us = self.us[tool.name]
            pairs = [a / b for a, b in zip(ours, us) if a and b]
            rows.append({
                "tool": tool.name,
                "us": estimate.of_median([u for u in us if u is not None]),
                "tare_ratio": estimate.of_median(pairs),
                "usable": median(self.usable[tool.name]),
                "stacks_s": median(self.rate[tool.name]),
                "why_not": self.unfit.get(tool.name),
            })
        return rows


def median(values):
    return statistics.median(values) if values else None


CASES = (
    # name, target, all threads
    ("depth 3", ("spin", "{s}", "1", "1"), False),
    ("depth 50", ("spin", "{s}", "48", "1"), False),
    ("depth 200", ("spin", "{s}", "198", "1"), False),
    ("8 threads", ("spin", "{s}", "5", "8"), True),
    ("64 threads", ("spin", "{s}", "5", "64"), True),
    ("fib", ("work", "{s}", "fib"), False),
    ("pprint", ("work", "{s}", "pprint"), False),
    ("difflib", ("work", "{s}", "difflib"), False),
    ("unparse", ("work", "{s}", "unparse"), False),
)


def bench_cost(interpreters, quick):
    """Tachyon reads its own release only, Austin the ones before: so two
    targets, with tare on both."""
    settings = []
    top = newest(interpreters)
    if top:
        settings.append((top, [peers.Tare(), peers.TareRaw(),
                               peers.Tachyon(), peers.TachyonRaw(),
                               peers.PySpy()]))
    old = newest(interpreters, (3, 14))
    if old:
        settings.append((old, [peers.Tare(), peers.TareRaw(),
                               peers.Austin(), peers.PySpy()]))
    results = []
    for interpreter, tools in settings:
        mount_proc(interpreter)
        for case, args, every in CASES:
            for rate in (FASTEST, 1000):
                if rate == 1000 and quick and case not in ("depth 3", "fib"):
                    continue
                results.append(cost_case(interpreter, tools, case, args,
                                         every, rate, 2 if quick else 5))
                show_cost(results[-1])
    return results


def cost_case(interpreter, tools, case, args, every, rate, rounds):
    fit = [t for t in tools if t.can_keep_rate or rate == FASTEST]
    costs = Costs(fit)
    chance = random.Random(case)
    for _ in range(rounds):
        seconds = str(len(fit) * (SHORT_S + LONG_S + 4) + 20)
        filled = [a.replace("{s}", seconds) for a in args]
        with target_of(interpreter, *filled) as target:
            costs.round(target, rate, every, chance)
    return {"case": case, "python": interpreter.version, "asked_hz": rate,
            "all_threads": every, "rows": costs.result()}


def show_cost(result):
    asked = "full speed" if result["asked_hz"] == FASTEST else "1 kHz"
    say(f"\n{result['case']}, {asked}, CPython {result['python']}")
    say(f"  {'tool':<18}{'us/stack':>9}  {'95 %':<16}{'usable':>8}"
        f"{'stacks/s':>10}  tare/tool (95 %)")
    for row in result["rows"]:
        if row["us"] is None:
            say(f"  {row['tool']:<18}  -  {row['why_not'] or 'no stacks'}")
            continue
        us, ratio = row["us"], row["tare_ratio"]
        compared = (f"{ratio['median']:.2f} ({ratio['low']:.2f} to "
                    f"{ratio['high']:.2f})" if ratio else "")
        interval = f"{us['low']:.1f} to {us['high']:.1f}"
        say(f"  {row['tool']:<18}{us['median']:>9.2f}  {interval:<16}"
            f"{100 * row['usable']:>7.1f}%{row['stacks_s']:>10.0f}  "
            f"{compared}")


# -------------------------------------------------------------- slow-down


def units_between(path, begin, end):
    """Mean wall and CPU time of the units that lie in [begin, end]."""
    wall, cpu = [], []
    for line in path.read_text().splitlines():
        fields = line.split()
        if len(fields) != 3:
            continue
        start, took, used = map(int, fields)
        if begin <= start and start + took <= end:
            wall.append(took)
            cpu.append(used)
    if len(wall) < 5:
        return None
    return statistics.fmean(wall), statistics.fmean(cpu)


def window(path, seconds, action=None):
    """Let the target run for `seconds`, with `action` meanwhile."""
    begin = time.monotonic_ns()
    if action:
        action()
    else:
        time.sleep(seconds)
    end = time.monotonic_ns()
    margin = int(MARGIN_S * 1e9)
    return units_between(path, begin + margin, end - margin // 4)


def slow_pairs(interpreter, tool, kind, most, seconds):
    """Ratios (CPU, wall) of a window with the tool to those around it, one
    process all the time, until the CPU's 95 % is narrow enough."""
    cpu, wall = [], []
    length = most * (2 * seconds + 3) + 30
    with target_of(interpreter, "units", str(length), "{place}/units",
                   kind) as target:
        path = target.place.outside / "units"
        time.sleep(MARGIN_S)
        before = window(path, seconds)
        for _ in range(most):
            during = window(path, seconds, lambda: tool.attach(
                target, seconds, 1000, False))
            after = window(path, seconds)
            if before and during and after:
                wall.append(2 * during[0] / (before[0] + after[0]))
                cpu.append(2 * during[1] / (before[1] + after[1]))
            before = after
            sure = estimate.of_mean(cpu)
            if len(cpu) >= 6 and sure["half_width"] <= HALF_WIDTH:
                break
    return estimate.of_mean(cpu), estimate.of_mean(wall)


def bench_slow(interpreters, quick):
    """The windows are short: what the machine does beside changes slowly."""
    most, seconds = (12, 1.2) if quick else (150, 1.2)
    cases = []
    top, old = newest(interpreters), newest(interpreters, (3, 14))
    if top:
        mount_proc(top)
        cases += [(top, peers.OnlySleep()), (top, peers.Tare()),
                  (top, peers.Tare("--native")), (top, peers.Tachyon()),
                  (top, peers.PySpy())]
    if old:
        cases += [(old, peers.Tare()), (old, peers.Austin())]
    results = []
    say("\nslow-down of the target at 1 kHz (ratio, 95 %)")
    for kind in ("loop", "calls"):
        for interpreter, tool in cases:
            results.append(slow_row(interpreter, tool, kind, most, seconds))
            show_slow(results[-1])
    return results


def slow_row(interpreter, tool, kind, most, seconds):
    row = {"tool": tool.name, "python": interpreter.version, "target": kind}
    try:
        row["cpu"], row["wall"] = slow_pairs(interpreter, tool, kind, most,
                                             seconds)
    except Unfit as why:
        row["why_not"] = str(why)
    return row


def show_slow(row):
    head = (f"  {row['target']:<7}{row['tool']:<18}CPython "
            f"{row['python']:<8}")
    if not row.get("cpu"):
        say(f"{head}-  {row.get('why_not', 'no pairs')}")
        return
    text = ", ".join(
        f"{clock} {row[clock]['mean']:.4f} +- {row[clock]['half_width']:.4f}"
        for clock in ("cpu", "wall"))
    say(f"{head}{text}, {row['cpu']['n']} pairs")


# ------------------------------------------------------------------ truth


def truth_of(interpreter, tool, name, rate, seconds):
    with tare_runs.place_for(interpreter) as place:
        path = str(place.inside / f"{name}.py")
        source = PROGRAMS[name](path, place.version)
        script = place.put(f"{name}.py", source.text)
        source.automaton.path = os.path.basename(path)
        with Target(place, script, str(seconds + 6)) as target:
            time.sleep(0.5)
            outcome = tool.attach(target, seconds, rate, True)
            stacks = [(without_shims(frames), n)
                      for frames, n in tool.stacks(target)]
    verdict = judge(source.automaton, stacks)
    return outcome, verdict


def without_shims(frames):
    """CPython's own frames that have no line are no error of a tool."""
    return [f for f in frames
            if f.path not in ("__init__", "<shim>", "<interpreter trampoline>")]


def bench_truth(interpreters, quick):
    top, old = newest(interpreters), newest(interpreters, (3, 14))
    cases = []
    if top:
        mount_proc(top)
        cases += [(top, peers.Tare()), (top, peers.Tare("--native")),
                  (top, peers.Tachyon()),
                  (top, peers.Tachyon("--blocking")), (top, peers.PySpy())]
    if old:
        cases += [(old, peers.Tare()), (old, peers.Austin()),
                  (old, peers.PySpy()), (old, peers.PySpy("--blocking"))]
    names = ("two-leaves", "tree") if quick else (
        "two-leaves", "alternating", "tree", "mutual", "self-recursion",
        "generators", "callbacks", "exceptions", "turns")
    results = []
    say("\nimpossible stacks among those the tool calls good")
    for interpreter, tool in cases:
        for rate in (1000, 10000):
            results.append(truth_row(interpreter, tool, names, rate))
            show_truth(results[-1])
    return results


def truth_row(interpreter, tool, names, rate):
    judged = impossible = complete = taken = 0
    row = {"tool": tool.name, "python": interpreter.version,
           "asked_hz": rate, "programs": {}}
    for name in names:
        try:
            outcome, verdict = truth_of(interpreter, tool, name, rate, 3)
        except (Unfit, subprocess.CalledProcessError) as why:
            row["programs"][name] = {"why_not": str(why)}
            continue
        judged += verdict.judged
        impossible += verdict.impossible
        complete += outcome.complete
        taken += outcome.taken
        row["programs"][name] = {
            "judged": verdict.judged, "impossible": verdict.impossible,
            "usable": outcome.complete / max(1, outcome.taken),
            "reasons": verdict.reasons.most_common(3)}
    row.update(judged=judged, impossible=impossible,
               usable=complete / taken if taken else None)
    return row


def show_truth(row):
    head = (f"  {row['tool']:<18}CPython {row['python']:<8}"
            f"{row['asked_hz'] // 1000:>3} kHz  ")
    if not row["judged"]:
        why = next((p["why_not"] for p in row["programs"].values()
                    if "why_not" in p), "no stacks")
        say(f"{head}-  {why}")
        return
    say(f"{head}{row['impossible']} of {row['judged']} "
        f"({100 * row['impossible'] / row['judged']:.3f} %), usable by its "
        f"own word {100 * row['usable']:.1f} %")


# ------------------------------------------------------------------ store


def bench_store(interpreters, quick):
    """Files written by an attach of the same length at the same rate."""
    results = []
    seconds = 3 if quick else 10
    top, old = newest(interpreters), newest(interpreters, (3, 14))
    cases = []
    if top:
        mount_proc(top)
        cases += [(top, peers.Tare()), (top, peers.TachyonBinary())]
    if old:
        cases += [(old, peers.Austin())]
    say("\nbytes on disk for a stack at 1 kHz")
    for case, args, every in (CASES[0], CASES[4], CASES[6]):
        for interpreter, tool in cases:
            filled = [a.replace("{s}", str(seconds + 30)) for a in args]
            row = {"case": case, "tool": tool.name,
                   "python": interpreter.version}
            try:
                with target_of(interpreter, *filled) as target:
                    outcome = tool.attach(target, seconds, 1000, every)
                row["bytes"] = outcome.size / max(1, outcome.taken)
                row["stacks"] = outcome.taken
                say(f"  {case:<12}{tool.name:<18}{row['bytes']:>8.2f}  of "
                    f"{outcome.taken:.0f}")
            except Unfit as why:
                row["why_not"] = str(why)
                say(f"  {case:<12}{tool.name:<18}       -  {why}")
            results.append(row)
    return results


# ---------------------------------------------------------------- command

PARTS = {"cost": bench_cost, "slow": bench_slow, "truth": bench_truth,
         "store": bench_store}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true",
                        help="minutes instead of an hour; wide intervals")
    parser.add_argument("--only", default=",".join(PARTS),
                        help="parts, with commas between")
    parser.add_argument("--json", default=str(
        tare_runs.TOP / "build" / "bench.json"), help="where the figures go")
    args = parser.parse_args()
    parts = args.only.split(",")
    unknown = [p for p in parts if p not in PARTS]
    if unknown:
        parser.error(f"no part {unknown[0]}; there are {', '.join(PARTS)}")
    if not tare_runs.TARE.exists():
        parser.error(f"no program at {tare_runs.TARE}; type 'make'")
    enter_namespace()
    install_peers()
    interpreters = tare_runs.interpreters()
    result = {"schema": "tare.bench/1", "load": os.getloadavg()[0],
              "cpus": os.cpu_count(), "kernel": os.uname().release,
              "quick": args.quick,
              "peers": (HERE / "requirements.txt").read_text().split("\n")}
    for part in parts:
        result[part] = PARTS[part](interpreters, args.quick)
        pathlib.Path(args.json).write_text(json.dumps(result, indent=1))
    say(f"\nall figures: {args.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
