# SPDX-License-Identifier: MIT
"""A job is all the processes that it starts: each is in the report, with its
command, parent, end and Python, and its stacks are its own."""

import os
import pathlib
import shlex
import subprocess
import sys
import time

import jobs
import pytest

pytestmark = pytest.mark.alone

SLEEP = "/bin/sleep"


def minor(one):
    return ".".join((one["python"] or "").split(".")[:2])


def check_python_child(job, tare, word, parent, function, minor_version):
    """A process that told `word` has run `function` in its own stacks."""
    one = job.of(word)
    assert one["parent"] == parent, job.listing()
    assert minor(one) == f"CPython {minor_version}", job.listing()
    assert one["trouble"] is None
    names = jobs.functions_by_thread(tare).get(one["pid"], set())
    assert function in names, (function, names)
    return one


FORK = jobs.HEAD + """
def in_child():
    spin(0.4)
def in_parent():
    spin(0.4)
pid = os.fork()
if not pid:
    tell("child")
    in_child()
    os._exit(7)
tell("root")
in_parent()
os.waitpid(pid, 0)
"""


def test_fork(tare, python):
    job = jobs.run(tare, python.script_text("fork.py", FORK))
    root = job.of("root")
    child = check_python_child(job, tare, "child", root["pid"], "in_child",
                               python.minor)
    assert root["parent"] is None and root["exit"] == "0"
    assert child["exit"] in ("7", None)
    names = jobs.functions_by_thread(tare)
    assert "in_parent" in names[root["pid"]]
    assert "in_parent" not in names[child["pid"]]
    assert "in_child" not in names[root["pid"]]


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_multiprocessing(tare, python, method):
    code = jobs.HEAD + f"""
import multiprocessing
def in_worker():
    tell("worker")
    spin(0.5)
if __name__ == "__main__":
    multiprocessing.set_start_method("{method}")
    tell("root")
    worker = multiprocessing.Process(target=in_worker)
    worker.start()
    worker.join()
    tell("status", code=worker.exitcode)
"""
    job = jobs.run(tare, python.script_text("mp.py", code))
    assert [one["code"] for one in job.told if one["word"] == "status"] == [0]
    root, worker = job.of("root"), job.of("worker")
    told = [one for one in job.told if one["word"] == "worker"][0]
    # The server of forkserver is in between.
    assert (worker["parent"] == root["pid"]) == (method != "forkserver")
    check_python_child(job, tare, "worker", told["parent"], "in_worker",
                       python.minor)


def test_eight_workers_of_a_pool(tare, python):
    code = jobs.HEAD + """
import concurrent.futures, collections
def in_worker(number):
    spin(0.05)
    return os.getpid()
if __name__ == "__main__":
    tell("root")
    with concurrent.futures.ProcessPoolExecutor(8) as pool:
        pids = collections.Counter(pool.map(in_worker, range(96)))
    tell("pids", pids=sorted(pids))
"""
    job = jobs.run(tare, python.script_text("pool.py", code, proc=True))
    assert not job.status, job.stderr
    (told,) = [one["pids"] for one in job.told if one["word"] == "pids"]
    names = jobs.functions_by_thread(tare)
    for pid in told:
        assert pid in job.processes, job.listing()
        assert minor(job.processes[pid]) == f"CPython {python.minor}"
        assert "in_worker" in names[pid], (pid, names)


def test_subprocesses_of_python_and_of_others(tare, python):
    code = jobs.HEAD + """
import subprocess
tell("root")
python = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
other = subprocess.Popen(["/bin/sleep", "0.3"])
tell("sleep", is_=other.pid)
other.wait()
python.wait()
"""
    child = jobs.HEAD + """
def in_other_program():
    spin(0.4)
tell("python")
in_other_program()
sys.exit(3)
"""
    job = jobs.run(tare, python.script_text("sub.py", code, child))
    root = job.of("root")
    check_python_child(job, tare, "python", root["pid"], "in_other_program",
                       python.minor)
    (pid,) = [one["is_"] for one in job.told if one["word"] == "sleep"]
    sleep = job.processes[pid]
    assert sleep["command"] == "/bin/sleep 0.3"
    assert sleep["parent"] == root["pid"]
    assert sleep["python"] is None and sleep["trouble"] is None
    (thread,) = job.threads(pid)
    assert thread["states"]["sleep"] > 0.7 * thread["wall_s"]


def test_a_pipeline_of_a_shell(tare, any_python, tmp_path):
    first = tmp_path / "first.py"
    first.write_text(jobs.HEAD + "def in_first():\n    spin(0.4)\n"
                     "tell('first')\nin_first()\nprint('b')\nprint('a')\n")
    last = tmp_path / "last.py"
    last.write_text(jobs.HEAD + "def in_last():\n    spin(0.4)\n"
                    "tell('last')\ntext = sys.stdin.read()\nin_last()\n"
                    "sys.stdout.write(text)\n")
    python = shlex.join(any_python.command())
    line = f"{python} first.py | sort | {python} last.py; true"
    job = jobs.run(tare, ["sh", "-c", line])
    assert job.stdout == "a\nb\n"
    (root,) = [one for one in job.processes.values() if not one["parent"]]
    assert root["command"].startswith("sh -c ")
    for word in ("first", "last"):
        one = check_python_child(job, tare, word, root["pid"], f"in_{word}",
                                 any_python.minor)
        assert f"{word}.py" in one["command"]
    (sort,) = [one for one in job.processes.values()
               if one["command"] == "sort"]
    assert sort["python"] is None
    assert job.report["meta"]["python"].startswith(
        f"CPython {any_python.minor}")


def two_local_pythons(every_python):
    local = {one.minor: one for one in every_python if not one.root
             and not one.free_threaded and one.minor.startswith("3.1")}
    if len(local) < 2:
        pytest.skip("there are no two Pythons outside of a chroot")
    return [local[key] for key in sorted(local)][:2]


def test_exec_of_another_python(tare, every_python, tmp_path):
    old, new = two_local_pythons(every_python)
    second = tmp_path / "second.py"
    second.write_text(jobs.HEAD + "def in_second():\n    spin(0.5)\n"
                      "tell('second')\nin_second()\n")
    first = tmp_path / "first.py"
    first.write_text(
        jobs.HEAD + "def in_first():\n    spin(0.5)\n"
        "tell('first')\nin_first()\n"
        f"os.execv({new.path!r}, [{new.path!r}, 'second.py'])\n")
    job = jobs.run(tare, old.command("first.py"))
    assert job.who("first") == job.who("second")
    one = job.of("second")
    assert "second.py" in one["command"]
    assert minor(one) == f"CPython {new.minor}"
    names = jobs.functions_by_thread(tare)[one["pid"]]
    assert {"in_first", "in_second"} <= names


def test_exec_of_what_is_no_python(tare, python):
    code = jobs.HEAD + """
def in_python():
    spin(0.4)
tell("root")
in_python()
os.execv("/bin/sleep", ["sleep", "0.4"])
"""
    job = jobs.run(tare, python.script_text("exec.py", code))
    root = job.of("root")
    assert root["command"] == "sleep 0.4"
    assert root["exit"] == "0" and root["trouble"] is None
    assert "in_python" in jobs.functions_by_thread(tare)[root["pid"]]
    (thread,) = job.threads(root["pid"])
    assert 0.3 < thread["states"]["sleep"] < 0.5 * thread["wall_s"] + 0.1
    assert job.report["sampling"]["lost"] <= 0.01 * \
        job.report["sampling"]["taken"] + 3


DAEMON = jobs.HEAD + """
def in_daemon():
    spin(1.2)
def become_a_daemon():
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    while os.getppid() in known: time.sleep(0.001)
    tell("daemon")
    in_daemon()
    os._exit(0)
tell("root")
known = [os.getpid()]
for i in range(5):
    pid = os.fork()
    if not pid:
        become_a_daemon()
    os.waitpid(pid, 0)
spin(2.4)
"""


def test_daemons_that_fork_twice(tare, python):
    """Their parents live for less than a millisecond."""
    job = jobs.run(tare, python.script_text("daemon.py", DAEMON))
    names = jobs.functions_by_thread(tare)
    assert len(job.who("daemon")) == 5
    for pid in job.who("daemon"):
        assert pid in job.processes, job.listing()
        assert "in_daemon" in names[pid]
        # They end before the root does, and with nobody to wait for them.
        assert job.processes[pid]["wall_s"] > 0.3


def test_who_cannot_be_placed_is_told(tare, any_python, tmp_path):
    """A shell starts a program in the background and ends at once; often
    nobody has seen the shell."""
    child = tmp_path / "child.py"
    child.write_text(jobs.HEAD + "tell('orphan')\nspin(0.3)\n")
    code = tmp_path / "root.py"
    code.write_text(
        jobs.HEAD + "import subprocess\ntell('root')\nline = sys.argv[1]\n"
        "for i in range(10):\n    subprocess.call(['sh', '-c', line])\n"
        "spin(1)\n")
    python = shlex.join(any_python.command())
    job = jobs.run(tare, any_python.command(code, f"{python} child.py &"))
    missing = set(job.who("orphan")) - set(job.processes)
    print(f"{len(missing)} of {len(job.who('orphan'))} missing")
    trouble = job.of("root")["trouble"]
    if missing:
        assert f" {len(missing)} of its group" in trouble, (trouble, missing)
    else:
        assert trouble is None


def test_strangers_stay_out(tare, any_python, tmp_path):
    """What is started beside the job while it runs is none of it."""
    code = tmp_path / "root.py"
    code.write_text(jobs.HEAD + "tell('root')\nspin(1.5)\n")
    stranger = jobs.HEAD + "tell('stranger')\n" + DAEMON
    tare_run = subprocess.Popen(
        [tare, "run", "--no-report", "-o", "x.tare", "--",
         *any_python.command(code)],
        stderr=subprocess.PIPE, text=True)
    try:
        time.sleep(0.3)
        beside = [subprocess.Popen(
            any_python.command("-c", stranger), stderr=subprocess.DEVNULL,
            start_new_session=new) for new in (False, True)]
        for one in beside:
            one.wait(jobs.SECONDS)
        _, stderr = tare_run.communicate(timeout=jobs.SECONDS)
    finally:
        tare_run.kill()
    report = jobs.read_report(tare, "x.tare")
    (only,) = report["processes"]
    assert "root.py" in only["command"]


@pytest.mark.parametrize("life,total,wave", [
    (0.3, 1000, 100), (0.05, 200, 10), (0.2, 300, 300)])
def test_hundreds_of_children(tare, any_python, life, total, wave):
    """At least 99 of 100 that live for 50 ms are seen."""
    code = jobs.HEAD + """
import subprocess
life, total, wave = sys.argv[1:]
pids = []
for _ in range(int(total) // int(wave)):
    started = [subprocess.Popen(["/bin/sleep", life])
               for _ in range(int(wave))]
    for one in started:
        one.wait()
    pids += [one.pid for one in started]
tell("pids", pids=pids)
"""
    job = jobs.run(tare, any_python.command("-c", code, life, total, wave))
    (told,) = [one["pids"] for one in job.told if one["word"] == "pids"]
    assert len(told) == total
    seen = [job.processes[pid] for pid in told if pid in job.processes]
    assert len(seen) >= 0.99 * total, len(seen)
    named = [one for one in seen if one["command"] == f"/bin/sleep {life}"]
    print(f"{len(seen)} of {total} seen, {len(named)} by their command, "
          f"{sum(one['exit'] == '0' for one in seen)} with their end")
    assert len(named) >= 0.98 * total
    (root,) = [one for one in job.processes.values() if not one["parent"]]
    assert all(one["parent"] == root["pid"] for one in seen)
    assert all(one["python"] is None for one in seen), job.listing()


def test_pythons_that_live_shortly(tare, any_python, tmp_path):
    child = tmp_path / "child.py"
    child.write_text(jobs.HEAD + "def in_child():\n    spin(0.05)\n"
                     "tell('child')\nin_child()\n")
    code = jobs.HEAD + """
import subprocess
for _ in range(20):
    subprocess.call([sys.executable, "-S", "child.py"])
"""
    job = jobs.run(tare, any_python.command("-c", code))
    names = jobs.functions_by_thread(tare)
    assert len(job.who("child")) == 20
    seen = [pid for pid in job.who("child")
            if "in_child" in names.get(pid, ())]
    assert len(seen) >= 19, job.listing()


def test_no_children(tare, python):
    job = jobs.run(tare, python.script_text("fork.py", FORK), "--no-children")
    assert list(job.processes) == job.who("root")
    assert "in_parent" in jobs.functions_by_thread(tare)[job.who("root")[0]]


def test_attach_finds_the_whole_tree(tare, python):
    """Also grandchildren, and those that begin later."""
    code = jobs.HEAD + """
def in_grandchild(): spin(60)
def in_child(): spin(60)
def in_late(): spin(60)
if not os.fork():
    if not os.fork():
        tell("grandchild")
        in_grandchild()
    tell("child")
    in_child()
tell("root")
time.sleep(1)
if not os.fork():
    tell("late")
    in_late()
time.sleep(60)
"""
    process = subprocess.Popen(
        python.script_text("tree.py", code), stderr=subprocess.PIPE,
        text=True, start_new_session=True)
    try:
        told = {}
        while len(told) < 3:
            line = jobs.json.loads(process.stderr.readline())
            told[line["word"]] = line["pid"]
        job = jobs.attach(tare, told["root"], 2)
        line = jobs.json.loads(process.stderr.readline())
        told[line["word"]] = line["pid"]
    finally:
        os.killpg(process.pid, 9)
        process.wait()
        process.stderr.close()
    names = jobs.functions_by_thread(tare)
    assert set(job.processes) == set(told.values()), job.listing()
    for word in ("child", "grandchild", "late"):
        assert f"in_{word}" in names[told[word]]
    assert job.processes[told["grandchild"]]["parent"] == told["child"]


def test_the_cpu_time_of_all_is_that_of_the_job(tare, python):
    """The sum over processes against what wait4() says of the root and all
    that it waited for, within 2 %."""
    code = jobs.HEAD + """
import subprocess
def child():
    spin(1.0)
    os._exit(0)
pids = []
for _ in range(3):
    pid = os.fork()
    if not pid:
        child()
    pids.append(pid)
other = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
spin(0.5)
for pid in pids:
    os.waitpid(pid, 0)
other.wait()
"""
    job = jobs.run(tare, python.script_text("cpu.py", code,
                                            jobs.HEAD + "spin(1)"))
    totals = job.report["totals"]
    wanted = totals["user_s"] + totals["sys_s"]
    assert abs(job.cpu_s() - wanted) <= 0.02 * wanted, (
        f"{job.cpu_s():.3f} of {wanted:.3f} s\n{job.listing()}")


def test_workers_of_loky(tare, joblib_python, tmp_path):
    code = jobs.HEAD + """
import joblib
def in_worker(i):
    spin(0.1)
    return os.getpid()
tell("root")
pids = joblib.Parallel(n_jobs=3)(
    joblib.delayed(in_worker)(i) for i in range(12))
tell("pids", pids=sorted(set(pids)))
"""
    script = tmp_path / "loky.py"
    script.write_text(code)
    job = jobs.run(tare, [joblib_python, script])
    (told,) = [one["pids"] for one in job.told if one["word"] == "pids"]
    names = jobs.functions_by_thread(tare)
    assert told
    for pid in told:
        assert pid in job.processes, job.listing()
        assert "in_worker" in names[pid]
        assert job.processes[pid]["python"] == job.of("root")["python"]


@pytest.fixture
def joblib_python():
    """What runs these tests has it, see requirements.txt."""
    pytest.importorskip("joblib")
    return pathlib.Path(sys.executable)


# ------------------------------------------------------------------ the report


def process_rows(text):
    """The table of processes, as lists of words, and what is below it."""
    lines = text.splitlines()
    rows = lines[lines.index("processes") + 2:]
    rows = rows[:rows.index("")]
    table = [row for row in rows if row.split()[0].isdigit()
             and len(row.split()) > 5]
    return [row.split() for row in table], rows[len(table):]


def test_the_table_of_processes(tare, any_python):
    """The first one, whatever it used, then by CPU time, with its end."""
    code = jobs.HEAD + """
def compute(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(500))
tell("root")
pids = []
for word, seconds in ("little", 0.1), ("most", 0.6), ("middle", 0.3):
    pids.append(os.fork())
    if not pids[-1]:
        tell(word)
        compute(seconds)
        if word == "most":
            os.kill(os.getpid(), 9)
        os._exit(len(word))
for pid in pids:  # their end is seen while they are zombies
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
time.sleep(0.3)
"""
    job = jobs.run(tare, any_python.command("-c", code))
    rows, rest = process_rows(jobs.report_text(tare))
    words = ["root", "most", "middle", "little"]
    assert [int(row[0]) for row in rows] == [
        job.of(word)["pid"] for word in words]
    assert rest == []
    ends = [("signal 9" if "signal" in row else row[7]) for row in rows]
    assert ends == ["0", "signal 9", "6", "6"]
    assert [job.of(word)["exit"] for word in words] == ends


def test_a_long_table_of_processes_is_cut_and_says_so(tare, any_python):
    code = jobs.HEAD + """
go_read, go = os.pipe()
for _ in range(11):
    if not os.fork():
        os.close(go)
        os.read(go_read, 1)
        os._exit(0)
spin(0.5)
os.close(go)
for _ in range(11):
    os.wait()
"""
    job = jobs.run(tare, any_python.command("-c", code))
    assert len(job.processes) == 12, job.listing()
    rows, rest = process_rows(jobs.report_text(tare))
    assert len(rows) == 8
    assert rest == ["  4 more processes"]


def test_parents_come_first_in_json(tare, any_python):
    """Also where the parent is not the first process."""
    code = jobs.HEAD + """
def down(depth):
    for _ in range(2 if depth else 0):
        if not os.fork():
            down(depth - 1)
            os._exit(0)
    tell(str(depth))
    spin(0.2)
    for _ in range(2 if depth else 0):
        os.wait()
down(3)
"""
    job = jobs.run(tare, any_python.command("-c", code))
    told = {one["pid"]: one["parent"] for one in job.told}
    assert len(told) == 15
    seen = []
    for one in job.report["processes"]:
        if one["parent"] is None:
            assert not seen
        else:
            assert one["parent"] == told[one["pid"]]
            assert one["parent"] in seen
        seen.append(one["pid"])
    assert set(seen) == set(told)


THOUSAND = jobs.HEAD + """
alive_read, alive = os.pipe()
go_read, go = os.pipe()
def descendant():
    os.write(alive, b"%d %d\\n" % (os.getpid(), os.getppid()))
    os.read(go_read, 1)
for _ in range(25):
    if not os.fork():
        os.close(go)
        for _ in range(39):
            if not os.fork():
                descendant()
                os._exit(0)
        descendant()
        for _ in range(39):
            os.wait()
        os._exit(0)
told = b""
while told.count(b"\\n") < 1000:
    told += os.read(alive_read, 65536)
tell("alive", parents=told.decode().split())
"""


def check_thousand(job, root, numbers):
    parents = dict(zip(map(int, numbers[::2]), map(int, numbers[1::2])))
    assert len(parents) == 1000
    lost = set(parents) - set(job.processes)
    assert not lost, f"{len(lost)} of 1000"
    assert set(job.processes) - set(parents) == {root}
    assert all(job.processes[pid]["parent"] == parent
               for pid, parent in parents.items())
    # Each that could be looked at is a Python; of none something is unsaid.
    assert all(one["python"] or one["trouble"] or not job.threads(pid)
               or not any(t["looks"]["taken"] for t in job.threads(pid))
               for pid, one in job.processes.items())


def test_a_thousand_python_descendants_at_a_time(tare, any_python):
    # They live on for a while: a tick at which all are looked at takes long.
    code = THOUSAND + "time.sleep(2)\nos.close(go)\n" \
        "for _ in range(25): os.wait()\n"
    job = jobs.run(tare, any_python.command("-c", code))
    assert job.status == 0, job.stderr[-2000:]
    (told,) = job.told
    check_thousand(job, told["pid"], told["parents"])


def test_attach_to_a_thousand_python_descendants(tare, any_python):
    process = subprocess.Popen(
        any_python.command("-c", THOUSAND + "time.sleep(60)"), text=True,
        stderr=subprocess.PIPE, start_new_session=True)
    try:
        told = jobs.json.loads(process.stderr.readline())
        job = jobs.attach(tare, told["pid"], 4)
    finally:
        os.killpg(process.pid, 9)
        process.wait()
        process.stderr.close()
    assert job.status == 0, job.stderr[-2000:]
    check_thousand(job, told["pid"], told["parents"])
    pythons = sum(1 for one in job.processes.values() if one["python"])
    print(f"{pythons} of 1001 known as Pythons")
    assert pythons >= 900
