# SPDX-License-Identifier: MIT
"""What a job used, by the kernel's count: bytes, page faults, switches."""

import os
import time

import jobs

USED = jobs.HEAD + """
import subprocess
with open("written", "wb") as file:
    file.write(bytes(3_000_000))
with open("/dev/zero", "rb", buffering=0) as file:
    for _ in range(20):
        file.read(100_000)
memory = bytearray(40_000_000)
for i in range(0, len(memory), 4096):
    memory[i] = 1
subprocess.run(["head", "-c", "1500000", "/dev/zero"],
               stdout=subprocess.DEVNULL, check=True)
for _ in range(100):
    time.sleep(0.001)
spin(0.2)
"""


def test_totals_of_a_run_are_the_kernels(tare, python):
    script = python.script_text("used.py", USED.replace(
        '"written"', repr(python.inside(python.folder() / "written"))))
    job = jobs.run(tare, script)
    assert not job.status, job.stderr
    totals = job.report["totals"]
    # With the child that it waited for; and Python reads its own library.
    assert 4_500_000 <= totals["written_bytes"] < 4_600_000
    assert 3_500_000 <= totals["read_bytes"] < 8_000_000
    assert totals["disk_read_bytes"] is not None
    assert totals["minor_faults"] >= 9000
    assert totals["major_faults"] is not None
    assert 100 <= totals["voluntary_switches"] < 2000
    assert totals["involuntary_switches"] > 0
    assert 45e6 < totals["peak_memory_bytes"] < 90e6
    text = jobs.report_text(tare)
    for words in ("minor page faults", "times asleep", "preempted", "read"):
        assert words in text, text
    assert "4.5" in text.partition(" written")[0].rpartition("·")[2], text


def written_by(pid):
    with open(f"/proc/{pid}/io", encoding="ascii") as file:
        fields = dict(line.split(": ") for line in file.read().splitlines())
    return int(fields["wchar"])


WRITER = """
import time
with open("/dev/null", "wb", buffering=0) as file:
    while True:
        file.write(bytes(10_000))
        time.sleep(0.002)
"""


def test_totals_of_an_attached_process_are_of_the_recording(tare, any_python,
                                                            tmp_path):
    script = tmp_path / "writer.py"
    script.write_text(WRITER)
    process = any_python.start(script)
    try:
        time.sleep(0.5)
        before = written_by(process.pid)
        job = jobs.attach(tare, process.pid, 1)
        most = written_by(process.pid) - before
    finally:
        process.kill()
    totals = job.report["totals"]
    assert before > 0
    assert 0.4 * most <= totals["written_bytes"] <= most
    assert totals["voluntary_switches"] >= 50
    assert totals["minor_faults"] is not None
    assert totals["peak_memory_bytes"] > 5e6


def test_one_that_outlives_the_job_is_told(tare, any_python):
    code = jobs.HEAD + """
import subprocess
child = subprocess.Popen(["sleep", "1.5"])
tell("sleep", sleeper=child.pid)
spin(0.3)
os._exit(0)
"""
    job = jobs.run(tare, any_python.command("-c", code))
    (pid,) = [one["sleeper"] for one in job.told]
    os.kill(pid, 0)
    assert "lived on" in job.processes[pid]["trouble"]
    assert "lived on" in jobs.report_text(tare)


UNSEEN = "ended before they could be"


def test_processes_that_nobody_saw_have_their_cpu_time_told(tare, any_python):
    code = jobs.HEAD + """
import subprocess
for _ in range(150):
    subprocess.run(["/bin/true"])
"""
    jobs.run(tare, any_python.command("-c", code))
    assert UNSEEN in jobs.report_text(tare)
    code = jobs.HEAD + """
import subprocess
spin(0.5)
subprocess.run([sys.executable, "-c", "sum(range(30_000_000))"])
"""
    jobs.run(tare, any_python.command("-c", code))
    assert UNSEEN not in jobs.report_text(tare)


def causes(ledger, *wanted):
    """Seconds of these causes; of all without words."""
    return sum(one["seconds"] for one in ledger["tare"]
               if not wanted or one["cause"] in wanted)


def unweighed(ledger):
    return sum(one["seconds"] for one in ledger["not_weighed"])


def near(value, wanted):
    return abs(value - wanted) <= 0.02 * wanted + 0.02


def test_ledgers_close_and_add_up_to_that_of_the_job(tare, python):
    code = jobs.HEAD + """
import gc, threading
def collect():
    keep = [[] for _ in range(100_000)]
    end = time.monotonic() + 0.4
    while time.monotonic() < end:
        gc.collect()
pids = []
for _ in range(2):
    pids.append(os.fork())
    if not pids[-1]:
        spin(0.4)
        collect()
        os._exit(0)
thread = threading.Thread(target=spin, args=(0.5,))
thread.start()
collect()
thread.join()
for pid in pids:
    os.waitpid(pid, 0)
"""
    report = jobs.run(tare, python.script_text("ledger.py", code)).report
    scopes = {"job": [], "process": [], "thread": []}
    for one in report["ledgers"]:
        scopes[one["scope"]].append(one)
        gross = one["gross"]["cpu_s" if one["clock"] == "cpu" else "wall_s"]
        assert one["net"] is None and one["why"]
        assert near(causes(one) + unweighed(one), gross), one
    (job,) = scopes["job"]
    assert job["clock"] == "cpu"
    assert {one["clock"] for one in scopes["process"]} == {"cpu"}
    assert {one["clock"] for one in scopes["thread"]} == {"wall"}
    # An entry for each process and thread, with the same clocks.
    for scope, key, others in (("process", "pid", report["processes"]),
                               ("thread", "tid", report["threads"])):
        clocks = {one[key]: (one["wall_s"], one["cpu_s"]) for one in others}
        assert {one[key]: (one["gross"]["wall_s"], one["gross"]["cpu_s"])
                for one in scopes[scope]} == clocks
    assert len(scopes["process"]) == 3 and len(scopes["thread"]) >= 4
    # Those of the processes are that of the job, as are those of threads.
    for parts in scopes["process"], scopes["thread"]:
        assert near(sum(one["gross"]["cpu_s"] for one in parts),
                    job["gross"]["cpu_s"]), report["ledgers"]
        assert near(sum(causes(one, "gc") for one in parts),
                    causes(job, "gc")), report["ledgers"]
        assert near(sum(map(unweighed, parts)), unweighed(job))
    assert causes(job, "gc") > 0.1
    totals = report["totals"]
    assert near(job["gross"]["cpu_s"], totals["user_s"] + totals["sys_s"])
    # Each process is its own threads.
    for one in scopes["process"]:
        own = [t for t in scopes["thread"] if t["pid"] == one["pid"]]
        assert near(sum(t["gross"]["cpu_s"] for t in own),
                    one["gross"]["cpu_s"]), one
