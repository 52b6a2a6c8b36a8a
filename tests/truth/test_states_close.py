# SPDX-License-Identifier: MIT
"""The ledger of states closes for programs of several kinds, held against
what each thread knows of itself: its CPU clock, its wall clock, and what the
kernel says of each process. Within 2 % of the wall time of each thread, and
no more than 2 % of it unexplained."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import native_programs
import pytest
import tare_runs

LIMIT_S = 120
SECONDS = 6
SOME = pytest.mark.releases("3.9", "3.13", "3.15")

# Each thread calls Clocks(name) when it begins and .close() when it ends; a
# main thread began with its process. A process ends with report().
HEAD = """
import json, os, resource, sys, threading, time
class Clocks:
    told = []
    def __init__(self, name):
        self.name = name
        self.wall, self.cpu = time.monotonic(), time.thread_time()
        if threading.current_thread() is threading.main_thread():
            fields = open("/proc/self/stat").read().rpartition(")")[2].split()
            born = int(fields[19]) / os.sysconf("SC_CLK_TCK")
            self.wall -= time.clock_gettime(time.CLOCK_BOOTTIME) - born
            self.cpu = 0
    def close(self):
        Clocks.told.append({
            "name": self.name, "inner": threading.get_native_id(),
            "wall": time.monotonic() - self.wall,
            "cpu": time.thread_time() - self.cpu})
def report():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    path = os.path.join(sys.argv[1], "told-%d.json" % os.getpid())
    with open(path, "w") as file:
        json.dump({"pid": os.getpid(), "threads": Clocks.told,
                   "cpu": usage.ru_utime + usage.ru_stime}, file)
    os._exit(0)  # what Python tidies up is on no clock of ours
def spin(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(i * i for i in range(200))
def mixed(name, seconds):
    clocks = Clocks(name)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        spin(0.01)
        time.sleep(0.005)
    clocks.close()
"""


def told_by(folder):
    answers = [json.loads(path.read_text())
               for path in sorted(folder.glob("told-*.json"))]
    assert answers, "no process has told anything"
    return answers


def check_thread(thread, told):
    """Points of the wall time by which tare is off."""
    wall, states = thread["wall_s"], thread["states"]
    assert abs(sum(states.values()) - wall) <= 0.02 * wall
    errors = {
        "on_cpu": 100 * (states["on_cpu"] - told["cpu"]) / told["wall"],
        # A thread lives a little before its clock is read, and after.
        "wall": 100 * (wall - told["wall"]) / told["wall"],
        "other": 100 * states["other"] / wall,
    }
    assert all(abs(error) <= 2 for error in errors.values()), (
        told, errors, states)
    return errors


def check_process(process, ledger, told):
    error = 100 * (process["cpu_s"] - told["cpu"]) / told["cpu"]
    unknown = 100 * sum(c["seconds"] for c in ledger["tare"]
                        if c["cause"] == "unexplained") / process["cpu_s"]
    assert abs(error) <= 2, (process, told)
    assert unknown <= 2, ledger
    return {"process CPU": error, "unexplained": unknown}


def check(recording, folder, number_of=None):
    """Every thread and process that told of itself; at least one."""
    report = recording.report()
    processes = {one["pid"]: one for one in report["processes"]}
    ledgers = {one["pid"]: one for one in report["ledgers"]
               if one["scope"] == "process"}
    threads = {one["tid"]: one for one in report["threads"]}
    number_of = number_of or (lambda inner: inner)
    worst = {}
    for told in told_by(folder):
        pid = number_of(told["pid"])
        errors = []
        if told["cpu"] > 0.5:  # the kernel tells it in steps of 10 ms
            errors.append(check_process(processes[pid], ledgers[pid], told))
        errors += [check_thread(threads[number_of(one["inner"])], one)
                   for one in told["threads"] if one["wall"] > 1]
        for one in errors:
            for key, value in one.items():
                if abs(value) >= abs(worst.get(key, 0)):
                    worst[key] = value
    print(", ".join(f"{key} {value:+.2f}" for key, value in worst.items()))
    return report


def record(folder, command, name="x.tare"):
    path = pathlib.Path(folder) / name
    done = subprocess.run(
        [tare_runs.TARE, "run", "--no-report", "-o", path, "--",
         *map(os.fspath, command)],
        text=True, capture_output=True, timeout=LIMIT_S,
        env=tare_runs.environment())
    assert done.returncode == 0, done.stderr
    return tare_runs.Recording(path, done.stdout)


NUMPY = HEAD + f"""
import numpy
def multiply(name):
    clocks = Clocks(name)
    a = numpy.random.rand(300, 300)
    end = time.monotonic() + {SECONDS}
    while time.monotonic() < end:
        a @ a
        numpy.sort(a.ravel())
        time.sleep(0.002)
    clocks.close()
threads = [threading.Thread(target=multiply, args=("np%d" % i,))
           for i in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
report()
"""


def test_numpy_with_threads_of_its_own(tmp_path):
    python = native_programs.environment()
    if python is None:
        pytest.skip("no NumPy for a Python that is there")
    script = tmp_path / "numpy_target.py"
    script.write_text(NUMPY)
    check(record(tmp_path, [python, script, tmp_path]), tmp_path)


POOL = HEAD + f"""
import multiprocessing
def work(number):
    mixed("worker", {SECONDS})
    report()
if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    workers = [multiprocessing.Process(target=work, args=(i,))
               for i in range(8)]
    clocks = Clocks("main")
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    clocks.close()
    report()
"""


@SOME
def test_eight_processes(place):
    script = place.put("pool.py", POOL)
    report = check(
        record(place.outside,
               place.interpreter.command(script, str(place.inside),
                                         proc=True)),
        place.outside)
    assert len([p for p in report["processes"] if p["python"]]) == 9


SERVER = HEAD + f"""
import asyncio, subprocess
CLIENT = '''
import socket, sys, time
end = time.monotonic() + {SECONDS}
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as client:
    n = 0
    while time.monotonic() < end:
        client.sendall(b"ping %d\\\\n" % n)
        assert client.recv(100)
        n += 1
        if n % 50 == 0:
            time.sleep(0.002)
'''
async def serve(reader, writer):
    while line := await reader.readline():
        sum(i * i for i in range(100))
        writer.write(line)
        await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clients = [subprocess.Popen([sys.executable, "-c", CLIENT, str(port)])
               for _ in range(2)]
    while any(client.poll() is None for client in clients):
        await asyncio.sleep(0.05)
    server.close()
clocks = Clocks("main")
asyncio.run(main())
clocks.close()
report()
"""


@SOME
def test_a_server_under_load(place):
    script = place.put("server.py", SERVER)
    report = check(
        record(place.outside,
               place.interpreter.command(script, str(place.inside),
                                         proc=True)),
        place.outside)
    (told,) = told_by(place.outside)
    (main,) = [one for one in report["threads"] if one["tid"] == told["pid"]]
    assert main["states"]["io"] > 0


MIXED = HEAD + f"""
thread = threading.Thread(target=mixed, args=("thread", {SECONDS}))
thread.start()
mixed("main", {SECONDS})
thread.join()
report()
"""


def numbers_here(recording):
    """What processes and threads of a namespace are called out here, for a
    namespace with one process of Python: in the order they were made."""
    report = recording.report()
    (pid,) = [one["pid"] for one in report["processes"] if one["python"]]
    tids = sorted(one["tid"] for one in report["threads"]
                  if one["pid"] == pid)
    return lambda inner: tids[inner - 1]


@SOME
def test_a_container_without_rights(place):
    if place.interpreter.root:
        pytest.skip("a chroot and a container at once: one is enough")
    container = ["unshare", "-Urpf", "--mount-proc"]
    if (not shutil.which("unshare") or
            subprocess.run([*container, "true"], check=False,
                           capture_output=True).returncode):
        pytest.skip("no containers for users without rights here")
    script = place.put("mixed.py", MIXED)
    recording = record(
        place.outside,
        [*container, *place.interpreter.command(script, str(place.inside))])
    check(recording, place.outside, numbers_here(recording))


EMBED = r"""
#include <Python.h>
int main(int argc, char **argv)
{
	(void)argc;
	wchar_t *words[] = { L"embed", Py_DecodeLocale(argv[2], NULL) };
	FILE *file = fopen(argv[1], "r");

	Py_Initialize();
	PySys_SetArgv(2, words);
	return file ? PyRun_SimpleFileEx(file, argv[1], 1) : 9;
}
"""


def build_embedding(place):
    """A C program with this Python in it; None where it cannot be built."""
    if place.interpreter.root:
        return None
    asked = subprocess.run(
        place.interpreter.command(
            "-c", "import sysconfig as s; print(s.get_path('include'));"
            "print(s.get_config_var('LIBDIR'));"
            "print(s.get_config_var('Py_ENABLE_SHARED'))"),
        check=True, text=True, stdout=subprocess.PIPE).stdout.split()
    include, library, shared = asked
    if shared != "1" or not pathlib.Path(include, "Python.h").exists():
        return None
    (place.outside / "embed.c").write_text(EMBED)
    program = place.outside / "embed"
    done = subprocess.run(
        ["cc", "-w", f"-I{include}", place.outside / "embed.c", "-o", program,
         f"-L{library}", f"-Wl,-rpath,{library}",
         f"-lpython{place.interpreter.minor}"], check=False)
    return None if done.returncode else program


@SOME
def test_python_inside_of_a_c_program(place, monkeypatch):
    program = build_embedding(place)
    if program is None:
        pytest.skip("no headers or shared library of this Python")
    script = place.put("mixed.py", MIXED)
    prefix = pathlib.Path(place.interpreter.path).parent.parent
    monkeypatch.setattr(tare_runs, "environment", lambda: dict(
        os.environ, PYTHONHOME=str(prefix), PYTHONDONTWRITEBYTECODE="1"))
    report = check(record(place.outside, [program, script, place.outside]),
                   place.outside)
    assert re.match(r"CPython 3\.", report["processes"][0]["python"])
    assert "embed" in report["processes"][0]["command"]
