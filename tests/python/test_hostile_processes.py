# SPDX-License-Identifier: MIT
"""Processes that change under the sampler, hide, or are not what they seem:
each works or is named in the report, and the rest goes on."""

import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time

import jobs
import pytest

NOBODY = 65534


def root_only():
    if os.geteuid():
        pytest.skip("only root can change the user")


def healthy(job):
    """tare came to its end in order, and so did the target."""
    assert job.status == 0, job.stderr
    assert job.report, job.stderr
    sampling = job.report["sampling"]
    assert sampling["complete"] >= 0.9 * sampling["taken"], sampling
    return job


# ------------------------------------------------------- what a child may do


CHILDREN = {
    "ends at once": "os._exit(3)",
    "executes at once": "os.execv('/bin/true', ['true'])",
    "cannot execute": """
try: os.execv('/nonexistent', ['x'])
except OSError: os._exit(4)
""",
    "closes all descriptors": "os.closerange(0, 4096); in_child()",
    "is killed": "os.kill(os.getpid(), 9)",
    "is stopped": """
import signal
if not os.fork():
    time.sleep(0.3)
    os.kill(os.getppid(), signal.SIGCONT)
    os._exit(0)
os.kill(os.getpid(), signal.SIGSTOP)
in_child()
""",
    "changes its user": "os.getuid() or os.setuid(65534); in_child()",
    "is not dumpable": """
import ctypes
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
in_child()
""",
    "renames itself": """
import ctypes
libc = ctypes.CDLL(None)
libc.prctl(15, b') R 1 1\\n\\x1b[31m(', 0, 0, 0)
in_child()
""",
    "overwrites its arguments": """
import ctypes
fields = open("/proc/self/stat").read().rpartition(")")[2].split()
start, end = int(fields[45]), int(fields[46])
ctypes.memset(start, 0xff, end - start)
in_child()
""",
    "makes a new session and group": "os.setsid(); in_child()",
    "moves all its memory limits": """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
in_child()
""",
    "ends its main thread": """
import threading, ctypes
threading.Thread(target=in_child).start()
ctypes.CDLL(None).syscall(60, 0)
""",
}


@pytest.mark.parametrize("what", CHILDREN)
def test_a_child_that(tare, any_python, tmp_path, what):
    code = tmp_path / "root.py"
    body = CHILDREN[what].strip().replace("\n", "\n    ")
    code.write_text(f"""{jobs.HEAD}
def in_child():
    spin(0.4)
    os._exit(0)
def in_root():
    spin(0.5)
tell("root")
pid = os.fork()
if not pid:
    tell("child")
    {body}
    os._exit(0)
in_root()
os.waitpid(pid, 0)
""")
    job = healthy(jobs.run(tare, any_python.command(code)))
    names = jobs.functions_by_thread(tare)
    root = job.of("root")
    assert "in_root" in names[root["pid"]]
    (pid,) = job.who("child")
    if "in_child" in body:
        assert pid in job.processes
        tids = [one["tid"] for one in job.threads(pid)]
        assert any("in_child" in names.get(tid, ()) for tid in tids), (
            job.listing())
    if what == "is stopped":
        (thread,) = [one for one in job.threads(pid) if one["main"]]
        assert 0.15 < thread["states"]["other"] < 0.4


def test_a_process_whose_main_thread_has_ended(tare, any_python, tmp_path):
    """The others go on; the kernel shows the process as a zombie."""
    script = tmp_path / "headless.py"
    script.write_text(f"""{jobs.HEAD}
import ctypes, threading
def in_thread():
    spin(30)
threading.Thread(target=in_thread).start()
ctypes.CDLL(None).syscall(60, 0)
""")
    process = any_python.start(script)
    try:
        jobs.wait_until(
            lambda: jobs.state_of(process.pid) == "Z", "the main thread ends")
        healthy(jobs.attach(tare, process.pid, 1))
        names = set().union(*jobs.functions_by_thread(tare).values())
        assert "in_thread" in names
    finally:
        process.kill()


# -------------------------------------------------------- who may read whom


def as_nobody(tmp_path):
    """How to start tare as a user without rights, in a folder of its own."""
    root_only()
    folder = tmp_path
    while folder != pathlib.Path("/"):
        folder.chmod(folder.stat().st_mode | 0o755)
        folder = folder.parent
    tmp_path.chmod(0o777)
    return [shutil.which("setpriv"), "--reuid", str(NOBODY), "--regid",
            str(NOBODY), "--clear-groups"]


def readable_by_all(tare, tmp_path):
    copy = tmp_path / "tare"
    shutil.copy(tare, copy)
    copy.chmod(0o755)
    return str(copy)


SYSTEM_PYTHON = "/usr/bin/python3"

needs_system_python = pytest.mark.skipif(
    not os.access(SYSTEM_PYTHON, os.X_OK), reason="no Python that any may run")


@needs_system_python
def test_a_child_of_another_user_is_named(tare, tmp_path):
    """The child belongs to root, tare and the rest of the job do not."""
    launch = as_nobody(tmp_path)
    child = tmp_path / "child"
    shutil.copy(SYSTEM_PYTHON, child)
    child.chmod(0o4755)
    code = tmp_path / "root.py"
    code.write_text(f"""{jobs.HEAD}
import subprocess
def in_root():
    spin(0.5)
tell("root")
child = subprocess.Popen(["./child", "-S", "-c",
    "import os, time; os.write(2, b'euid %d\\\\n' % os.geteuid());"
    "time.sleep(0.6)"])
in_root()
child.wait()
""")
    job = healthy(jobs.run(readable_by_all(tare, tmp_path),
                           [SYSTEM_PYTHON, code], launch=launch))
    if "euid 0" not in job.stderr:
        pytest.skip("programs do not become root here")
    (other,) = [one for one in job.processes.values() if one["parent"]]
    assert other["trouble"], job.listing()
    assert "in_root" in jobs.functions_by_thread(tare)[job.who("root")[0]]


@needs_system_python
def test_a_child_that_becomes_another_user_is_named(tare, tmp_path):
    """By setuid(), in the middle: what was seen before stays, what comes
    after nobody may read, and the rest goes on."""
    launch = [*as_nobody(tmp_path), "--inh-caps", "+setuid", "--ambient-caps",
              "+setuid"]
    probe = subprocess.run([*launch, SYSTEM_PYTHON, "-c",
                            "import os; os.setuid(1)"], capture_output=True)
    if probe.returncode:
        pytest.skip("nobody but root can change the user here")
    code = tmp_path / "root.py"
    code.write_text(f"""{jobs.HEAD}
def before(): spin(0.5)
def after(): spin(0.5)
def in_root(): spin(0.4)
tell("root")
pid = os.fork()
if not pid:
    tell("child")
    before()
    os.setuid(1)
    after()
    os._exit(0)
os.waitpid(pid, 0)
in_root()
""")
    job = healthy(jobs.run(readable_by_all(tare, tmp_path),
                           [SYSTEM_PYTHON, code], launch=launch))
    root, child = job.of("root"), job.of("child")
    assert "Permission denied" in child["trouble"], job.listing()
    assert root["trouble"] is None and root["exit"] == "0"
    names = jobs.functions_by_thread(tare)
    assert "before" in names[child["pid"]]
    assert "after" not in names[child["pid"]]
    assert "in_root" in names[root["pid"]]
    # It is followed on, as far as the kernel tells everybody.
    assert child["wall_s"] > 0.8
    (thread,) = job.threads(child["pid"])
    assert thread["looks"]["no_python"] > 0
    assert f"of process {child['pid']}: Permission" in " ".join(
        jobs.report_text(tare).split())


@needs_system_python
def test_a_program_that_becomes_another_user_ends(tare, tmp_path):
    """Its threads may not be asked what they do any more; that it is over is
    known to everybody. (tare waited for ever.)"""
    launch = [*as_nobody(tmp_path), "--inh-caps", "+setuid", "--ambient-caps",
              "+setuid"]
    code = tmp_path / "root.py"
    code.write_text(f"""{jobs.HEAD}
def before(): spin(0.4)
tell("root")
before()
try:
    os.setuid(1)
except PermissionError:
    tell("refused")
spin(0.3)
""")
    job = jobs.run(readable_by_all(tare, tmp_path), [SYSTEM_PYTHON, code],
                   launch=launch)
    if "refused" in job.stderr:
        pytest.skip("nobody but root can change the user here")
    assert "sampling ended early" in job.stderr
    root = job.of("root")
    assert root["exit"] == "0" and "Permission denied" in root["trouble"]
    assert "before" in jobs.functions_by_thread(tare)[root["pid"]]


@needs_system_python
def test_where_others_are_hidden(tare, tmp_path):
    """/proc with hidepid=2, as a user without rights."""
    launch = as_nobody(tmp_path)
    code = tmp_path / "root.py"
    code.write_text(jobs.HEAD + "def in_child(): spin(0.4)\ntell('root')\n"
                    "if not os.fork():\n    tell('child')\n    in_child()\n"
                    "    os._exit(0)\nos.wait()\n")
    mounted = ["unshare", "-m", "sh", "-c",
               'mount -t proc -o hidepid=2 proc /proc && exec "$@"', "sh"]
    probe = subprocess.run([*mounted, "true"], capture_output=True)
    if probe.returncode:
        pytest.skip("no mount of its own for /proc here")
    job = healthy(jobs.run(readable_by_all(tare, tmp_path),
                           [SYSTEM_PYTHON, code], launch=mounted + launch))
    assert "in_child" in jobs.functions_by_thread(tare)[job.of("child")["pid"]]


def test_where_proc_has_processes_only(tare, any_python, tmp_path):
    """subset=pid: no /proc/loadavg, so nobody tells the last number."""
    root_only()
    code = tmp_path / "root.py"
    code.write_text(jobs.HEAD + "def in_child(): spin(0.5)\ntell('root')\n"
                    "if not os.fork():\n    tell('child')\n    in_child()\n"
                    "    os._exit(0)\nos.wait()\n")
    mounted = ["unshare", "-m", "sh", "-c",
               'mount -t proc -o subset=pid proc /proc && exec "$@"', "sh"]
    if subprocess.run([*mounted, "true"], capture_output=True).returncode:
        pytest.skip("no mount of its own for /proc here")
    job = healthy(jobs.run(tare, any_python.command(code), launch=mounted))
    assert "in_child" in jobs.functions_by_thread(tare)[job.of("child")["pid"]]


NAMESPACE = ["unshare", "-Urpf", "--mount-proc"]


def namespace(*more):
    probe = subprocess.run([*NAMESPACE, *(more or ["true"])],
                           capture_output=True)
    if probe.returncode:
        pytest.skip("no namespaces of processes here")


def test_a_container_of_a_user_without_rights(tare, any_python, tmp_path):
    """The processes in it have other numbers than out here."""
    namespace()
    code = tmp_path / "root.py"
    code.write_text(f"""{jobs.HEAD}
import threading
def in_thread(): spin(0.5)
def in_child(): spin(0.5)
assert os.getpid() == 1
thread = threading.Thread(target=in_thread)
thread.start()
pid = os.fork()
if not pid:
    in_child()
    os._exit(0)
thread.join()
os.waitpid(pid, 0)
""")
    job = healthy(jobs.run(tare, [*NAMESPACE, *any_python.command(code)]))
    pythons = [one for one in job.processes.values() if one["python"]]
    assert len(pythons) == 2, job.listing()
    names = jobs.functions_by_thread(tare)
    seen = {}
    for one in pythons:
        assert one["trouble"] is None
        for thread in job.threads(one["pid"]):
            seen.setdefault(one["parent"], set()).update(
                names.get(thread["tid"], ()))
    first, second = seen.values()
    assert "in_thread" in first and "in_child" in second


def test_numbers_that_are_given_out_again(tare, any_python, tmp_path):
    """All of it in a namespace that has 700 numbers: fewer are given out
    within the time in which a tare that waits for a CPU looks at none."""
    few = "echo 1000 > /proc/sys/kernel/pid_max"
    namespace("sh", "-c", few)
    code = tmp_path / "root.py"
    code.write_text(f"""{jobs.HEAD}
import json
def first(): spin(0.15)
def second(): spin(0.15)
def third(): spin(0.15)
told = {{}}
def child(function):
    pid = os.fork()
    if not pid:
        function()
        os._exit(0)
    os.waitpid(pid, 0)
    told.setdefault(pid, []).append(function.__name__)
    return pid
while True:  # those below 300 are given once only
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    if pid > 300:
        break
wanted = child(first)
for function in (second, third):
    for _ in range(2000):
        pid = os.fork()
        if not pid:
            if os.getpid() == wanted:
                function()
            os._exit(0)
        os.waitpid(pid, 0)
        if pid == wanted:
            break
tell("wanted", is_=wanted)
""")
    line = f"{few}; exec " + shlex.join(
        [tare, "run", "--no-report", "-o", "x.tare", "--",
         *any_python.command(code)])
    done = subprocess.run([*NAMESPACE, "sh", "-c", line], timeout=jobs.SECONDS,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = jobs.read_report(tare, "x.tare")
    (wanted,) = [jobs.json.loads(line)["is_"]
                 for line in done.stderr.splitlines() if line[0] == "{"]
    same = [one for one in report["processes"] if one["pid"] == wanted]
    assert len(same) == 3, same
    names = jobs.functions_by_thread(tare)[wanted]
    assert {"first", "second", "third"} <= names
    for one in same:
        # Not of one another; it may be seen late among thousands of forks.
        assert 0.02 < one["wall_s"] < 0.3, same


# -------------------------------------------------------- Python, differently


LATE = r"""
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	void *handle;
	void (*begin)(void);
	int (*run)(const char *);

	(void)argc;
	sleep(1);
	handle = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
	if (!handle)
		return fprintf(stderr, "%s\n", dlerror()), 9;
	begin = (void (*)(void))dlsym(handle, "Py_Initialize");
	run = (int (*)(const char *))dlsym(handle, "PyRun_SimpleString");
	begin();
	return run(argv[2]);
}
"""


def library_of(interpreter):
    prefix = pathlib.Path(interpreter.path).parent.parent
    for folder in (prefix / "lib", prefix / "lib64"):
        for name in (f"libpython{interpreter.minor}.so.1.0",):
            if (folder / name).exists():
                return prefix, folder / name
    return None


@pytest.fixture(scope="session")
def late_program(tmp_path_factory):
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    folder = tmp_path_factory.mktemp("late")
    (folder / "late.c").write_text(LATE)
    try:
        subprocess.run([compiler, "late.c", "-o", "late", "-ldl"], cwd=folder,
                       check=True)
    except (OSError, subprocess.CalledProcessError) as why:
        pytest.skip(f"no C compiler: {why}")
    return folder / "late"


def test_python_that_is_loaded_late(tare, python, late_program):
    found = not python.root and library_of(python.interpreter)
    if not found:
        pytest.skip("this Python has no shared library")
    prefix, library = found
    code = ("import time\ndef embedded():\n"
            "    end = time.monotonic() + 2\n"
            "    while time.monotonic() < end: sum(range(500))\nembedded()\n")
    job = healthy(jobs.run(tare, [late_program, library, code],
                           env=dict(os.environ, PYTHONHOME=str(prefix))))
    (one,) = job.processes.values()
    assert one["python"].startswith(f"CPython {python.minor}")
    (thread,) = job.threads(one["pid"])
    assert "embedded" in jobs.functions_by_thread(tare)[thread["tid"]]
    # A library that comes late is looked for each second.
    assert thread["looks"]["complete"] >= 0.3 * thread["looks"]["taken"]


SUBINTERPRETERS = jobs.HEAD + """
import threading
try:
    import _interpreters as interpreters
except ImportError:
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        tell("none")
        sys.exit(0)
code = '''
import time
def in_second():
    end = time.monotonic() + 1
    while time.monotonic() < end: sum(range(500))
in_second()
'''
def in_thread():
    number = interpreters.create()
    if hasattr(interpreters, "run_string"):
        interpreters.run_string(number, code)
    else:
        interpreters.exec(number, code)
def in_first():
    spin(1)
thread = threading.Thread(target=in_thread)
thread.start()
in_first()
thread.join()
tell("root")
"""


def test_two_interpreters_in_one_process(tare, python):
    job = healthy(jobs.run(tare, python.script_text(
        "two.py", SUBINTERPRETERS)))
    if job.who("none"):
        pytest.skip("this Python cannot make a second interpreter")
    names = set().union(*jobs.functions_by_thread(tare).values())
    assert {"in_first", "in_second"} <= names


COLLECTS = """
import gc, time
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
second = interpreters.create()
keep = [[] for _ in range(200_000)]
gc.collect()
end = time.thread_time() + 1
spent = 0
while time.thread_time() < end:
    begin = time.thread_time()
    gc.collect()
    took = time.thread_time() - begin
    spent += took
    end_of_work = time.thread_time() + took
    while time.thread_time() < end_of_work:
        pass
print(spent)
"""


def test_the_collector_beside_a_second_interpreter(tare, python):
    job = jobs.run(tare, python.script_text("collects.py", COLLECTS))
    if "ModuleNotFoundError" in job.stderr:
        pytest.skip("this Python cannot make a second interpreter")
    job = healthy(job)
    (process,) = job.processes.values()
    (thread,) = job.threads(process["pid"])
    seen = sum(s for key, s in thread["state_parts"].items()
               if key.startswith("collecting"))
    told = float(job.stdout)
    # Some 300 to 500 looks on a busy machine: 5 %, one standard error.
    assert abs(seen - told) < 0.25 * told
    assert process["collections_2"] >= 5
    assert "several interpreters" in process["trouble"]


def test_greenlets(tare):
    pytest.importorskip("greenlet")
    code = jobs.HEAD + """
import greenlet
def one():
    while True:
        spin_one()
        two_.switch()
def two():
    while True:
        spin_two()
        one_.switch()
def spin_one(): spin(0.002)
def spin_two(): spin(0.002)
one_, two_ = greenlet.greenlet(one), greenlet.greenlet(two)
end = time.monotonic() + 1.5
def check():
    while time.monotonic() < end:
        spin_one()
        main.switch()
main = greenlet.getcurrent()
def three():
    while True:
        spin_three()
        main.switch()
def spin_three(): spin(0.001)
third = greenlet.greenlet(three)
def four():
    while True:
        spin_four()
        main.switch()
def spin_four(): spin(0.001)
fourth = greenlet.greenlet(four)
while time.monotonic() < end:
    third.switch()
    fourth.switch()
"""
    job = healthy(jobs.run(tare, [sys.executable, "-c", code]))
    sampling = job.report["sampling"]
    assert sampling["complete"] >= 0.98 * sampling["taken"]
    stacks = subprocess.run(
        [tare, "export", "--format", "collapsed", "x.tare"], check=True,
        capture_output=True, text=True).stdout.splitlines()
    third = [line for line in stacks if "spin_three" in line]
    fourth = [line for line in stacks if "spin_four" in line]
    assert third and fourth
    # What one runs is not in the stack of the other.
    assert not [line for line in third if "four" in line]
    assert not [line for line in fourth if "three" in line]


# ------------------------------------------------------ stopped, and zombies


def test_a_target_that_is_stopped(tare, python):
    process = subprocess.Popen(
        python.script_text("stop.py", jobs.HEAD + "print('ready', flush=True)"
                           "\ndef stopped(): spin(60)\nstopped()\n"),
        stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        time.sleep(0.1)
        process.send_signal(signal.SIGSTOP)
        job = healthy(jobs.attach(tare, process.pid, 0.7))
        assert "stopped" in jobs.functions_by_thread(tare)[process.pid]
        (thread,) = job.threads(process.pid)
        assert thread["states"]["other"] > 0.95 * thread["wall_s"]
        state = pathlib.Path(f"/proc/{process.pid}/stat").read_text()
        assert state.rpartition(")")[2].split()[0] == "T"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_zombies_are_told_by_their_end(tare, any_python, tmp_path):
    code = tmp_path / "root.py"
    code.write_text(f"""{jobs.HEAD}
tell("root")
for status in (5, 6):
    if not os.fork():
        tell(f"child {{status}}")
        spin(0.1)
        os._exit(status)
if not os.fork():
    tell("killed")
    spin(0.1)
    os.abort()
spin(0.8)
""")
    job = healthy(jobs.run(tare, any_python.command(code)))
    assert job.of("child 5")["exit"] == "5"
    assert job.of("child 6")["exit"] == "6"
    assert job.of("killed")["exit"] == "signal 6"
    # The time as a zombie is not counted as life.
    assert all(job.of(word)["wall_s"] < 0.4
               for word in ("child 5", "child 6", "killed"))
