#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Find the Python interpreters that tests can run, and fetch Debian's own.

  pythons.py list [--json]       what is on this machine
  pythons.py fetch [SUITE ...]   unpack Debian's Pythons into the cache

`list` looks at pyenv, PATH, /usr/bin and the cache. `fetch` unpacks a small
Debian of each suite with debootstrap, from the mirror this machine's own apt
uses (or TARE_DEBIAN_MIRROR), into $XDG_CACHE_HOME/tare/pythons (or
TARE_PYTHONS_CACHE). It needs root or sudo. What is complete is left alone;
what was interrupted is done again, without downloading twice.
"""

import argparse
import contextlib
import dataclasses
import fcntl
import glob
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

PROBE_S = 20
FETCH_S = 900

# What to unpack, and the interpreters that must run afterwards. The suites
# differ in one point: only where a release carries several Pythons does the
# name of the package say which.
SUITES = {
    "bullseye": {"packages": ["python3"], "pythons": ["3.9"]},
    "bookworm": {"packages": ["python3"], "pythons": ["3.11"]},
    "trixie": {"packages": ["python3"], "pythons": ["3.13"]},
    "sid": {
        "packages": ["python3.14", "python3.15"],
        "pythons": ["3.14", "3.15"],
    },
}

PROBE = """
import json, platform, sys, sysconfig
print(json.dumps({
    "version": platform.python_version(),
    "implementation": sys.implementation.name,
    "path": sys.executable,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "shared": bool(sysconfig.get_config_var("Py_ENABLE_SHARED")),
}))
"""


@dataclasses.dataclass(frozen=True)
class Interpreter:
    version: str  # "3.13.0"
    path: str  # as seen from inside `root`
    root: "str | None"  # the folder to chroot into
    free_threaded: bool
    shared: bool  # linked to libpython.so
    flavour: str  # "pyenv", "path", "system", "debian-sid"

    @property
    def minor(self):
        return ".".join(self.version.split(".")[:2])

    @property
    def name(self):
        """Short and unique enough for the name of a test."""
        threads = "t" if self.free_threaded else ""
        return f"{self.version}{threads}-{self.flavour}"

    def command(self, *args, proc=False):
        """The words that start it with `args`; exec all the way, so that the
        process started is the interpreter itself. With `proc` a program in a
        chroot sees /proc, and a /dev/shm that is one (glibc asks), through
        mounts that end with it."""
        return [*enter_root(self.root, proc), self.path, *args]


MOUNT_PROC = (
    'mount -t proc proc "$1/proc" && mount -t tmpfs shm "$1/dev/shm" && '
    'exec chroot "$@"'
)


def enter_root(root, proc=False):
    if root is None:
        return []
    if os.geteuid() == 0 and not proc:
        return ["chroot", root]
    unshare = ["unshare", "--mount"]
    if os.geteuid() != 0:
        # /proc can be mounted anew only in a PID namespace of one's own,
        # which would hide the process; the machine's own is bound instead.
        unshare += ["--user", "--map-root-user"]
        mount = MOUNT_PROC.replace("-t proc proc", "--rbind /proc")
    else:
        mount = MOUNT_PROC
    if not proc:
        return [*unshare, "chroot", root]
    return [*unshare, "sh", "-c", mount, "sh", root]


def cache_folder():
    given = os.environ.get("TARE_PYTHONS_CACHE")
    if given:
        return pathlib.Path(given).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base).absolute() / "tare" / "pythons"


# ---------------------------------------------------------------- finding


def probe(path, root, flavour):
    """The Interpreter at `path`, or None if it is none that can be run."""
    environment = {k: v for k, v in os.environ.items() if k[:6] != "PYTHON"}
    try:
        answer = subprocess.run(
            [*enter_root(root), path, "-I", "-c", PROBE],
            capture_output=True,
            timeout=PROBE_S,
            env=environment,
            check=True,
        )
        found = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if found["implementation"] != "cpython":
        return None
    real = found["path"] if root else os.path.realpath(found["path"])
    return Interpreter(
        found["version"],
        real,
        root,
        found["free_threaded"],
        found["shared"],
        flavour,
    )


def pyenv_candidates():
    home = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    for version in sorted(glob.glob(os.path.join(home, "versions", "*"))):
        yield os.path.join(version, "bin", "python"), None, "pyenv"


def path_candidates():
    folders = [(f, "path") for f in os.environ.get("PATH", "").split(":")]
    folders += [("/usr/local/bin", "path"), ("/usr/bin", "system")]
    for folder, flavour in folders:
        if not folder or os.path.exists(
            os.path.join(os.path.dirname(folder), "pyvenv.cfg")
        ):
            continue  # a virtual environment: its base is found elsewhere
        if folder.rstrip("/") in ("/usr/bin", "/bin"):
            flavour = "system"
        for name in sorted(glob.glob(os.path.join(folder, "python3*"))):
            if re.fullmatch(r"python3(\.\d+t?)?", os.path.basename(name)):
                yield name, None, flavour


def debian_candidates():
    for suite in SUITES:
        root = cache_folder() / suite
        for name in sorted(root.glob("usr/bin/python3.[0-9]*")):
            if re.fullmatch(r"python3\.\d+t?", name.name):
                path = f"/usr/bin/{name.name}"
                yield path, str(root), f"debian-{suite}"


def sort_key(interpreter):
    numbers = [int(n) for n in re.findall(r"\d+", interpreter.version)[:3]]
    return (
        numbers,
        interpreter.version,
        interpreter.root is not None,
        interpreter.path,
    )


def find():
    """Every CPython 3 on this machine, oldest first, each one once."""
    found = {}
    for path, root, flavour in (
        *pyenv_candidates(),
        *path_candidates(),
        *debian_candidates(),
    ):
        if not root and (None, os.path.realpath(path)) in found:
            continue
        one = probe(path, root, flavour)
        if one and one.version.startswith("3."):
            found.setdefault((one.root, one.path), one)
    return sorted(found.values(), key=sort_key)


# --------------------------------------------------------------- fetching


def say(text):
    print(f"pythons: {text}", file=sys.stderr, flush=True)


class FetchFailed(Exception):
    """One suite could not be had; the text says why."""


class NotServed(FetchFailed):
    """The mirror no longer (or not yet) has the suite."""


def apt_repositories():
    """(address, origin, label) of what apt is set up to use, as apt sees it."""
    answer = subprocess.run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI)|$(ORIGIN)|$(LABEL)",
            "Created-By: Packages",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in answer.stdout.splitlines():
        fields = line.split("|")
        if len(fields) == 3:
            yield tuple(fields)


def debian_mirror():
    """Where this machine gets Debian's main archive from."""
    given = os.environ.get("TARE_DEBIAN_MIRROR")
    if given:
        return given
    for uri, origin, label in apt_repositories():
        # Without fetched lists apt does not know the origin yet; the main
        # archive then shows by the end of its address.
        last = urllib.parse.urlparse(uri).path.rstrip("/").rpartition("/")[2]
        if (origin, label) == ("Debian", "Debian") or last == "debian":
            return uri
    raise FetchFailed(
        "apt on this machine knows no Debian mirror; set TARE_DEBIAN_MIRROR "
        "to the address of one"
    )


def apt_proxy():
    """The proxy that apt is told to use, for debootstrap's wget."""
    answer = subprocess.run(
        ["apt-config", "shell", "proxy", "Acquire::http::Proxy"],
        capture_output=True,
        text=True,
        check=False,
    )
    match = re.search(r"proxy='([^']+)'", answer.stdout)
    if match and match[1] != "DIRECT":
        return {"http_proxy": match[1]}
    return {}


def check_served(mirror, suite):
    address = f"{mirror.rstrip('/')}/dists/{suite}/Release"
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler(
            {**urllib.request.getproxies(), **strip_suffix(apt_proxy())}
        )
    )
    try:
        opener.open(address, timeout=60).close()
    except urllib.error.HTTPError as error:
        if error.code in (404, 410):
            raise NotServed("the mirror does not serve it") from error
        raise FetchFailed(f"the mirror answered {error.code}") from error
    except OSError as error:
        raise FetchFailed(f"the mirror cannot be reached: {error}") from error


def strip_suffix(environment):
    return {k.removesuffix("_proxy"): v for k, v in environment.items()}


def as_root(command):
    if os.geteuid() == 0:
        return command
    if not shutil.which("sudo"):
        raise FetchFailed("unpacking a Debian needs root, and there is no sudo")
    return ["sudo", "--preserve-env=http_proxy", *command]


def run_bounded(command, seconds, log):
    """Run `command`; its whole process group ends with the time given."""
    with open(log, "ab") as out:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **apt_proxy()},
            start_new_session=True,
        )
        try:
            return process.wait(timeout=seconds)
        except BaseException:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGTERM)
                time.sleep(2)
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise


def debootstrap_command(suite, mirror, target, debs):
    script = pathlib.Path("/usr/share/debootstrap/scripts")
    command = [
        "debootstrap",
        "--variant=minbase",
        # A release without signature, or with a bad one, is not unpacked.
        "--force-check-gpg",
        "--keyring=/usr/share/keyrings/debian-archive-keyring.gpg",
        f"--cache-dir={debs}",
        "--include=" + ",".join(SUITES[suite]["packages"]),
        suite,
        str(target),
        mirror,
    ]
    if not (script / suite).exists():
        command.append(str(script / "sid"))
    return command


def remove_tree(path):
    if path.exists():
        subprocess.run(
            as_root(["rm", "-rf", "--one-file-system", "--", str(path)]),
            check=True,
        )


def verify(root, suite):
    for minor in SUITES[suite]["pythons"]:
        path = f"/usr/bin/python{minor}"
        if not probe(path, str(root), f"debian-{suite}"):
            raise FetchFailed(f"{path} does not run in what was unpacked")


def unpack(suite, mirror, cache):
    """Unpack beside, look at it, and only then give it its name."""
    part = cache / f"{suite}.part"
    debs = cache / f"{suite}.debs"
    log = cache / f"{suite}.log"
    remove_tree(part)
    debs.mkdir(exist_ok=True)
    log.write_bytes(b"")
    try:
        status = run_bounded(
            as_root(debootstrap_command(suite, mirror, part, debs)),
            FETCH_S,
            log,
        )
    except subprocess.TimeoutExpired:
        remove_tree(part)
        raise FetchFailed(f"not done after {FETCH_S} s; see {log}") from None
    if status:
        tail = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise FetchFailed(f"debootstrap: {' '.join(tail)} (see {log})")
    verify(part, suite)
    subprocess.run(
        as_root(["mv", "-T", "--", str(part), str(cache / suite)]), check=True
    )
    remove_tree(debs)
    log.unlink()


def fetch_suite(suite, cache):
    if (cache / suite).is_dir():
        verify(cache / suite, suite)
        say(f"{suite}: there")
        return
    mirror = debian_mirror()
    check_served(mirror, suite)
    pythons = " and ".join(SUITES[suite]["pythons"])
    say(f"{suite}: unpacking Debian's Python {pythons} (some 300 MB on disk)")
    start = time.monotonic()
    unpack(suite, mirror, cache)
    say(f"{suite}: done in {time.monotonic() - start:.0f} s")


def fetch(suites):
    """Fetch the suites; what became of each, which the cache remembers too."""
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    outcome = {}
    with open(cache / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for suite in suites:
            try:
                fetch_suite(suite, cache)
                outcome[suite] = "ok"
            except NotServed as error:
                outcome[suite] = "not served"
                say(f"{suite}: {error}")
            except FetchFailed as error:
                outcome[suite] = f"failed: {error}"
                say(f"{suite}: {error}")
    return outcome


# ---------------------------------------------------------------- command


def show(found, as_json):
    if as_json:
        print(json.dumps([dataclasses.asdict(one) for one in found], indent=1))
        return
    for one in found:
        inside = f"  in {one.root}" if one.root else ""
        print(f"{one.name:28} {one.path}{inside}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list")
    listing.add_argument("--json", action="store_true")
    fetching = verbs.add_parser("fetch")
    fetching.add_argument("suite", nargs="*", choices=[[], *SUITES])
    fetching.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.verb == "list":
        show(find(), args.json)
        return 0
    outcome = fetch(args.suite or list(SUITES))
    if args.json:
        print(json.dumps(outcome))
    return 0 if all(s in ("ok", "not served") for s in outcome.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
