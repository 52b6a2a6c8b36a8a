# SPDX-License-Identifier: MIT
"""Time of a function or of some lines, asked for in the program itself.

    import tare

    @tare.timed
    def parse(text): ...

    with tare.timed("read"):
        data = file.read()

Off unless the environment says TARE_TIMED=1 or tare.timed.on() was called
before. While it is off, the decorator gives back the function itself and the
with statement a context that does nothing.
"""

import atexit
import collections
import functools
import os
import sys
import threading
import time

__all__ = ["Timing", "timed"]

_wall = time.perf_counter_ns
_cpu = time.thread_time_ns


class Timing(collections.namedtuple(
        "Timing", "calls wall_s cpu_s least_s most_s")):
    """What is known of one name; times in seconds, summed over its calls.

    cpu_s is the CPU time of the thread that ran it; None where other tasks of
    an event loop may have run meanwhile, which that clock cannot tell apart.
    """

    __slots__ = ()


class _Sum:
    __slots__ = ("calls", "cpu", "least", "most", "wall")

    def __init__(self):
        self.calls = self.wall = self.most = 0
        self.cpu = 0
        self.least = None

    def add(self, wall, cpu):
        self.calls += 1
        self.wall += wall
        self.most = max(self.most, wall)
        self.least = wall if self.least is None else min(self.least, wall)
        if cpu is None or self.cpu is None:
            self.cpu = None
        else:
            # Reading the CPU clock takes longer than many a function.
            self.cpu += min(cpu, wall)

    def timing(self):
        cpu = None if self.cpu is None else self.cpu / 1e9
        return Timing(self.calls, self.wall / 1e9, cpu, self.least / 1e9,
                      self.most / 1e9)


class _Depth(threading.local):
    """How often each name is being timed in this thread right now."""

    def __init__(self):
        self.of = {}


class _Nothing:
    """What `with tare.timed(...)` and @tare.timed("name") are when off."""

    __slots__ = ()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def __call__(self, function):
        return function


_NOTHING = _Nothing()


def _in_event_loop():
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None


class _Stretch:
    """One name, timed by a with statement or as a decorator. The state of a
    with statement is on a stack, so one object may be entered again."""

    __slots__ = ("_begun", "_name", "_timed")

    def __init__(self, owner, name):
        self._timed = owner
        self._name = name
        self._begun = threading.local()

    def __enter__(self):
        stack = self._begun.__dict__.setdefault("stack", [])
        outermost = self._timed._enter(self._name)
        cpu = None if _in_event_loop() else _cpu()
        stack.append((outermost, cpu, _wall()))
        return self

    def __exit__(self, *_):
        wall = _wall()
        outermost, cpu, begin = self._begun.stack.pop()
        if cpu is not None:
            cpu = _cpu() - cpu
        self._timed._leave(self._name, outermost, wall - begin, cpu)

    def __call__(self, function):
        return self._timed._wrap(function, self._name)


class _Steps:
    """A generator or the inside of a coroutine, timed while it runs and not
    while it is suspended."""

    __slots__ = ("_inner", "cpu", "wall")

    def __init__(self, inner):
        self._inner = inner
        self.wall = self.cpu = 0

    def __iter__(self):
        inner = self._inner
        step, argument = inner.send, None
        while True:
            cpu, wall = _cpu(), _wall()
            try:
                out = step(argument)
            except StopIteration as end:
                return end.value
            finally:
                self.wall += _wall() - wall
                self.cpu += _cpu() - cpu
            try:
                argument = yield out
                step = inner.send
            except GeneratorExit:
                inner.close()
                raise
            except BaseException as error:  # noqa: B902
                step, argument = inner.throw, error

    __await__ = __iter__


class _Timed:
    """tare.timed: see the module's text."""

    def __init__(self, enabled):
        self._lock = threading.Lock()
        self._sums = {}
        self._depth = _Depth()
        self._enabled = enabled
        self._reported_at_exit = False
        if enabled:
            self.on()

    def __call__(self, what):
        """@timed, @timed("name"), with timed("name")."""
        if not self._enabled:
            return _NOTHING if what.__class__ is str else what
        if isinstance(what, str):
            return _Stretch(self, what)
        inner = getattr(what, "__func__", what)
        name = f"{inner.__module__}.{inner.__qualname__}"
        return self._wrap(what, name)

    @property
    def enabled(self):
        return self._enabled

    def on(self):
        """From now on. What was decorated before stays as it is."""
        self._enabled = True
        if not self._reported_at_exit:
            self._reported_at_exit = True
            atexit.register(self._at_exit)
            # A forked child counts its own.
            os.register_at_fork(after_in_child=self._after_fork)

    def off(self):
        """What is decorated already is timed further."""
        self._enabled = False

    def reset(self):
        with self._lock:
            self._sums = {}

    def results(self):
        """{name: Timing}, the longest first."""
        with self._lock:
            found = {name: one.timing() for name, one in self._sums.items()}
        return dict(sorted(found.items(), key=lambda x: -x[1].wall_s))

    def report(self, file=None):
        """Write the table to `file`, stderr by default."""
        file = sys.stderr if file is None else file
        rows = [("calls", "wall", "CPU", "mean", "most", "timed")]
        for name, one in self.results().items():
            rows.append((
                str(one.calls), _text(one.wall_s),
                "-" if one.cpu_s is None else _text(one.cpu_s),
                _text(one.wall_s / one.calls), _text(one.most_s), name))
        for row in rows:
            cells = "".join(f"{cell:>10}" for cell in row[:-1])
            print(f"{cells}  {row[-1]}", file=file)

    # ------------------------------------------------------------- inside

    def _at_exit(self):
        if self._sums and sys.stderr is not None:
            print(f"tare.timed, process {os.getpid()}", file=sys.stderr)
            self.report()

    def _after_fork(self):
        self._lock = threading.Lock()
        self._sums = {}
        self._depth = _Depth()

    def _enter(self, name):
        """Whether this is the outermost of nested calls in its thread: only
        that one's time counts, or recursion would count it again."""
        depth = self._depth.of
        now = depth.get(name, 0)
        depth[name] = now + 1
        return now == 0

    def _leave(self, name, outermost, wall, cpu):
        depth = self._depth.of
        # A with statement may be left in another thread than it was entered.
        if depth.get(name):
            depth[name] -= 1
        if outermost:
            self._add(name, wall, cpu)

    def _add(self, name, wall, cpu):
        with self._lock:
            one = self._sums.get(name)
            if one is None:
                one = self._sums[name] = _Sum()
            one.add(wall, cpu)

    def _wrap(self, function, name):
        import inspect  # needs long to load, and only here

        if inspect.isasyncgenfunction(function):
            return self._wrap_async_generator(function, name)
        if inspect.iscoroutinefunction(function):
            return self._wrap_coroutine(function, name)
        if inspect.isgeneratorfunction(function):
            return self._wrap_generator(function, name)
        if isinstance(function, (staticmethod, classmethod)):
            return type(function)(self._wrap(function.__func__, name))
        return self._wrap_function(function, name)

    def _wrap_function(self, function, name):
        enter, leave = self._enter, self._leave

        @functools.wraps(function)
        def timed(*args, **kwargs):
            outermost = enter(name)
            cpu = _cpu()
            wall = _wall()
            try:
                return function(*args, **kwargs)
            finally:
                wall = _wall() - wall
                leave(name, outermost, wall, _cpu() - cpu)

        return timed

    def _wrap_coroutine(self, function, name):
        """Wall time from the first step to the last, waiting included; CPU
        time of its own steps alone."""

        @functools.wraps(function)
        async def timed(*args, **kwargs):
            steps = _Steps(function(*args, **kwargs).__await__())
            begin = _wall()
            try:
                return await steps
            finally:
                self._add(name, _wall() - begin, steps.cpu)

        return timed

    def _wrap_generator(self, function, name):
        """Time inside the generator, not of whoever uses it."""

        @functools.wraps(function)
        def timed(*args, **kwargs):
            steps = _Steps(function(*args, **kwargs))
            try:
                return (yield from steps)
            finally:
                self._add(name, steps.wall, steps.cpu)

        return timed

    def _wrap_async_generator(self, function, name):
        """Wall time inside it, its waiting included."""

        @functools.wraps(function)
        async def timed(*args, **kwargs):
            inner = function(*args, **kwargs)
            step, argument, total = inner.asend, None, 0
            try:
                while True:
                    begin = _wall()
                    try:
                        out = await step(argument)
                    except StopAsyncIteration:
                        return
                    finally:
                        total += _wall() - begin
                    try:
                        argument = yield out
                        step = inner.asend
                    except GeneratorExit:
                        await inner.aclose()
                        raise
                    except BaseException as error:  # noqa: B902
                        step, argument = inner.athrow, error
            finally:
                self._add(name, total, None)

        return timed


def _text(seconds):
    for factor, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= factor:
            return f"{seconds / factor:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


timed = _Timed(os.environ.get("TARE_TIMED", "") not in ("", "0"))
