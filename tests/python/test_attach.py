# SPDX-License-Identifier: MIT
"""Attaching to what has run for a while: only the recording is told of."""

import json
import subprocess
import sys

BEFORE = """
import os, subprocess, sys, time
def used():
    end = time.process_time() + 1.0
    while time.process_time() < end: pass
    with open(os.devnull, "wb") as file:
        for _ in range(50): file.write(bytes(10**5)); file.flush()
if len(sys.argv) == 1:
    child = subprocess.Popen([sys.executable, __file__, "child"])
used()
print(1, flush=True)
time.sleep(60)
"""


def test_what_was_used_before_is_not_counted(tare, tmp_path):
    script = tmp_path / "before.py"
    script.write_text(BEFORE)
    with subprocess.Popen([sys.executable, script],
                          stdout=subprocess.PIPE) as process:
        process.stdout.read(4)  # both have used what they use
        done = subprocess.run(
            [tare, "attach", "--json", "-d", "1", "-o",
             tmp_path / "x.tare", str(process.pid)],
            capture_output=True, text=True, timeout=60, check=True)
        for pid in children(process.pid):
            subprocess.run(["kill", str(pid)], check=True)
        process.kill()
    report = json.loads(done.stderr)
    assert len(report["processes"]) == 2
    for one in report["processes"]:
        assert one["cpu_s"] < 0.3
        assert one["written_bytes"] < 10**6
        assert one["peak_memory_bytes"] > 10**6
    for ledger in report["ledgers"]:
        assert ledger["gross"]["cpu_s"] < 0.6
        for part in ledger["tare"]:
            assert part["cause"] != "unexplained" or part["seconds"] < 0.05
    # Nobody adds up the CPU time of a job that was there before.
    assert report["totals"]["user_s"] is None


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]
