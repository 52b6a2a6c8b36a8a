# SPDX-License-Identifier: MIT
"""Programs whose legal stacks are known.

PROGRAMS maps a name to a function (path, version) -> finished Source. Every
chain of calls carries a serial number in its function names or its lines;
see legal_stacks.py. A program takes the seconds it shall run and prints "ok".
"""

from serial_source import Source

PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__.replace("_", "-")] = function
    return function


def begin(path, version, *imports):
    s = Source(path, version)
    s.line("import sys", foreign=True)
    s.line("from time import perf_counter as clock", foreign=True)
    for text in imports:
        s.line(text, foreign=True)
    return s


def locals_of(s, serial):
    """Some locals, so that frames differ in size and a new frame covers
    another part of the dead ones."""
    for i in range(serial % 5):
        s.line(f"v{i} = {serial + i}")


def chain(s, prefix, serial, depth):
    """prefix_serial_0 calls prefix_serial_1 and so on; the top's name."""
    for level in range(depth - 1, -1, -1):
        with s.function(f"{prefix}_{serial}_{level}"):
            locals_of(s, serial + level)
            if level + 1 < depth:
                below = f"{prefix}_{serial}_{level + 1}"
                s.line(f"x = {below}()", below)
                if level % 2:
                    s.line(f"x += {below}()", below)
                s.line("return x")
            else:
                s.busy(serial)
    return f"{prefix}_{serial}_0"


def step_over(s, name, calls):
    """A function that makes `calls`, a line each, one after the other."""
    with s.function(name):
        for call in calls:
            s.line(f"{call}()", call)


@program
def alternating(path, version, count=48):
    """Call chains of different depth take turns."""
    s = begin(path, version)
    tops = [chain(s, "f", k, 2 + k * 5 % 7) for k in range(count)]
    step_over(s, "step", tops)
    return s.finish("step")


@program
def two_leaves(path, version):
    """The smallest one: two callers, each with its leaf, in turns."""
    s = begin(path, version)
    for side in "ab":
        with s.function(f"leaf_{side}"):
            s.line("return 1")
        with s.function(f"hot_{side}"):
            for _ in range(4):
                s.line(f"leaf_{side}()", f"leaf_{side}")
    step_over(s, "step", ["hot_a", "hot_b"] * 8)
    return s.finish("step")


@program
def mutual(path, version, phases=6, depth=14):
    """ping calls pong calls ping, phase and depth in their names."""
    s = begin(path, version)
    for phase in range(phases):
        for d in range(depth - 1, -1, -1):
            name = f"{'pong' if d % 2 else 'ping'}_{phase}_{d}"
            other = f"{'ping' if d % 2 else 'pong'}_{phase}_{d + 1}"
            with s.function(name):
                locals_of(s, phase + d)
                if d + 1 < depth:
                    s.line(f"{other}()", other)
                s.busy(phase + d)
    step_over(s, "step", [f"ping_{p}_0" for p in range(phases)])
    return s.finish("step")


@program
def tree(path, version, top=13):
    """Fibonacci's recursion with a function for each number."""
    s = begin(path, version)
    for n in range(top + 1):
        with s.function(f"fib_{n}"):
            if n < 2:
                s.line(f"return {n}")
                continue
            s.line(f"x = fib_{n - 1}()", f"fib_{n - 1}")
            s.line(f"y = fib_{n - 2}()", f"fib_{n - 2}")
            s.line("return x + y")
    step_over(s, "step", [f"fib_{top}", f"fib_{top - 1}"])
    return s.finish("step")


def recursion(s, name, bottoms, stride, leaf_calls):
    """One function that calls itself: the phase and the depth modulo
    `stride` decide the line, so the depth of each frame can be told."""
    shared, last, calls = [], {}, {}
    with s.function(name, "phase, depth", key=f"{name}#") as head:
        shared.append(head)
        for phase, bottom in enumerate(bottoms):
            with s.block(f"if phase == {phase}:") as test:
                calls[phase] = {}
                own = [s.line(f"m = depth % {stride}")]
                with s.block(f"if depth == {bottom}:") as line:
                    own.append(line)
                    end = []
                    for _ in range(leaf_calls):
                        end.append(s.line(f"{name}_leaf_{phase}()"))
                    own.append(s.line("return phase"))
                for m in range(stride):
                    with s.block(f"if m == {m}:") as line:
                        own.append(line)
                        calls[phase][m] = s.line(
                            f"return {name}({phase}, depth + 1)")
            last[phase] = (test, own, end)
    del s.automaton.nodes[f"{name}#"]
    tests = [last[phase][0] for phase in range(len(bottoms))]
    for phase, bottom in enumerate(bottoms):
        _, own, end = last[phase]
        lines = shared + tests[:phase + 1] + own
        for depth in range(bottom):
            line = calls[phase][depth % stride]
            s.split((f"{name}#{phase}.{depth}", name, lines + [line],
                     {line: [f"{name}#{phase}.{depth + 1}"]}))
        s.split((f"{name}#{phase}.{bottom}", name, lines + end,
                 {line: [f"{name}_leaf_{phase}"] for line in end}))


def recursion_program(path, version, bottoms, stride, leaf_calls):
    s = begin(path, version)
    s.line("sys.setrecursionlimit(5000)")
    for phase in range(len(bottoms)):
        with s.function(f"walk_leaf_{phase}"):
            s.busy(phase)
    recursion(s, "walk", bottoms, stride, leaf_calls)
    with s.function("step"):
        for phase in range(len(bottoms)):
            s.line(f"walk({phase}, 0)", f"walk#{phase}.0")
    return s.finish("step")


@program
def self_recursion(path, version):
    return recursion_program(path, version, (9, 14, 5, 20), 5, 6)


@program
def deep(path, version):
    """Recursion 10 to 900 deep, with work at the bottom."""
    return recursion_program(path, version, (10, 200, 50, 900, 400), 7, 40)


@program
def generators(path, version, count=10, depth=5):
    """Generators that drive generators, by for and by yield from."""
    s = begin(path, version)

    def closed_from(k, level):
        """What may run right there when gen_k_level is closed: close() goes
        down a yield from without starting the generator that waits in it,
        and from 3.13 one that would catch nothing is not started either."""
        return [f"gen_{k}_{i}" for i in range(level, depth)]

    for k in range(count):
        for level in range(depth - 1, -1, -1):
            with s.function(f"gen_{k}_{level}"):
                locals_of(s, k + level)
                below = f"gen_{k}_{level + 1}"
                if level + 1 == depth:
                    s.line(f"yield {k}")
                    s.line(f"yield {k + 1}")
                elif (level + k) % 2:
                    s.line(f"yield from {below}()", below)
                else:
                    # A generator that is closed while it waits in the
                    # loop closes the one it drives from there.
                    with s.block(f"for x in {below}():", below):
                        s.line("yield x", *closed_from(k, level + 1))
        with s.function(f"eat_{k}"):
            s.line("total = 0")
            with s.block(f"for x in gen_{k}_0():", f"gen_{k}_0"):
                s.line("total += x")
            s.line(f"g = gen_{k}_0()", f"gen_{k}_0")
            s.line("next(g)", f"gen_{k}_0")
            s.line("g.close()", *closed_from(k, 0))
            s.line(f"total += sum(gen_{k}_0())", f"gen_{k}_0")
            s.line("return total")
    step_over(s, "step", [f"eat_{k}" for k in range(count)])
    return s.finish("step")


@program
def coroutines(path, version, count=8, depth=6):
    """Chains of await, driven by hand, that give way at the bottom."""
    s = begin(path, version)
    with s.klass("Pause"):
        with s.method("Pause", "__await__"):
            s.line("yield 1")
            s.line("return 2")
    for k in range(count):
        for level in range(depth - 1, -1, -1):
            with s.function(f"co_{k}_{level}", kind="async def"):
                locals_of(s, k + level)
                below = f"co_{k}_{level + 1}"
                if level + 1 == depth:
                    s.line(f"x = {k}")
                    s.line("pause = Pause()")
                    s.line("await pause", "Pause.__await__")
                    s.line("return x")
                else:
                    s.line(f"x = await {below}()", below)
                    s.line("return x + 1")
        with s.function(f"agen_{k}", kind="async def"):
            s.line(f"x = await co_{k}_2()", f"co_{k}_2")
            s.line("yield x")
            s.line("yield x + 1")
        with s.function(f"over_{k}", kind="async def"):
            s.line("total = 0")
            with s.block(f"async for x in agen_{k}():", f"agen_{k}"):
                s.line("total += x")
            s.line("return total")
        for name, inner in ((f"run_{k}", f"co_{k}_0"),
                            (f"walk_{k}", f"over_{k}")):
            with s.function(name):
                s.line(f"c = {inner}()", inner)
                with s.block("try:"):
                    with s.block("while True:"):
                        s.line("c.send(None)", inner)
                with s.block("except StopIteration:"):
                    s.line("pass")
    step_over(s, "step", [f"{n}_{k}" for k in range(count)
                          for n in ("run", "walk")])
    return s.finish("step")


@program
def exceptions(path, version, count=8, depth=7):
    """Exceptions that pass through try, finally and with."""
    s = begin(path, version)
    for k in range(count):
        with s.function(f"clean_{k}"):
            s.busy(k)
        with s.function(f"handle_{k}"):
            s.busy(k + 1)
        for level in range(depth - 1, -1, -1):
            with s.function(f"try_{k}_{level}"):
                locals_of(s, k + level)
                below = f"try_{k}_{level + 1}"
                if level + 1 == depth:
                    s.line("x = []")
                    s.line(f"raise KeyError({k})")
                    continue
                with s.block("try:"):
                    s.line(f"{below}()", below)
                if (k + level) % 2:
                    with s.block("except KeyError:"):
                        s.line(f"handle_{k}()", f"handle_{k}")
                        s.line("raise")
                else:
                    with s.block("finally:"):
                        s.line(f"clean_{k}()", f"clean_{k}")
        with s.function(f"catch_{k}"):
            with s.block("try:"):
                s.line(f"try_{k}_0()", f"try_{k}_0")
            with s.block("except KeyError:"):
                s.line(f"handle_{k}()", f"handle_{k}")
            s.line("return 0")
    step_over(s, "step", [f"catch_{k}" for k in range(count)])
    return s.finish("step")


@program
def churn(path, version, count=6):
    """Threads that live for a millisecond."""
    s = begin(path, version, "import _thread")
    for k in range(count):
        top = chain(s, "t", k, 3 + k % 4)
        with s.function(f"job_{k}", "lock"):
            with s.block(f"for i in range({10 + 10 * k}):"):
                s.line(f"{top}()", top)
            s.line("lock.release()")
        s.automaton.roots.add(f"job_{k}")
    with s.function("step"):
        s.line("locks = []")
        for k in range(count):
            s.line("lock = _thread.allocate_lock()")
            s.line("lock.acquire()")
            s.line(f"_thread.start_new_thread(job_{k}, (lock,))")
            s.line("locks.append(lock)")
        with s.block("for lock in locks:"):
            s.line("lock.acquire()")
    return s.finish("step")


@program
def turns(path, version, count=4):
    """Long-lived threads of the threading module that share one GIL."""
    s = begin(path, version, "import threading")
    for k in range(count):
        top = chain(s, "t", k, 4 + k)
        with s.function(f"run_{k}", "end"):
            with s.block("while True:"):
                s.line(f"{top}()", top)
                with s.block("if clock() >= end:"):
                    s.line("return")
        s.automaton.thread_roots.add(f"run_{k}")
    with s.function("step"):
        s.line("end = clock() + 0.05")
        s.line("threads = []")
        for k in range(count):
            s.line(f"t = threading.Thread(target=run_{k}, args=(end,))",
                   foreign=True)
            s.line("threads.append(t)")
        with s.block("for t in threads:"):
            s.line("t.start()", foreign=True)
        with s.block("for t in threads:"):
            s.line("t.join()", foreign=True)
        # The end of a Thread runs callbacks of the threading module.
        s.line("del t", foreign=True)
        s.line("del threads", foreign=True)
    return s.finish("step")


def callback_class(s, k):
    """A class whose every method is called by C code, or by an instruction
    that is not a call."""
    name = f"Box_{k}"
    leaf = f"leaf_{k}"
    with s.klass(name):
        for method, parameters in (
                ("__init__", "self, n"), ("__eq__", "self, other"),
                ("__hash__", "self"), ("__lt__", "self, other"),
                ("__getattr__", "self, name"), ("__add__", "self, other"),
                ("__getitem__", "self, i"), ("__call__", "self"),
                ("__len__", "self"), ("__contains__", "self, x"),
                ("__iter__", "self"), ("__next__", "self"),
                ("__enter__", "self"), ("__exit__", "self, a, b, c"),
                ("__repr__", "self"), ("prop", "self"), ("plain", "self")):
            with s.method(name, method, parameters):
                s.line(f"{leaf}()", leaf)
                s.line({"__init__": "self.n = n",
                        "__eq__": "return self.n == other.n",
                        "__hash__": "return self.n",
                        "__lt__": "return self.n < other.n",
                        "__getattr__": "return 1",
                        "__len__": "return 3",
                        "__contains__": "return True",
                        "__iter__": "return self",
                        "__next__": "raise StopIteration",
                        "__enter__": "return self",
                        "__exit__": "return False",
                        "__repr__": "return 'box'"}.get(method, "return 1"))
        s.line("prop_by_name = property(prop)")
        s.line("klass_way = classmethod(plain)")
        s.line("static_way = staticmethod(plain)")
    return name


@program
def callbacks(path, version, count=6):
    """Python called by C: keys, comparisons, operators, attributes."""
    s = begin(path, version, "import functools", "import operator")
    for k in range(count):
        with s.function(f"leaf_{k}"):
            s.busy(k)
        b = callback_class(s, k)
        for name, parameters in ((f"key_{k}", "x"), (f"reducer_{k}", "x, y"),
                                 (f"gather_{k}", "*args, **kwargs")):
            with s.function(name, parameters):
                locals_of(s, k)
                s.line(f"leaf_{k}()", f"leaf_{k}")
                s.line("return 1")
        with s.function(f"use_{k}"):
            s.line(f"a = {b}(1)", f"{b}.__init__")
            s.line(f"b = {b}(2)", f"{b}.__init__")
            s.line("n = [3, 1, 2]")
            s.line(f"sorted(n, key=key_{k})", f"key_{k}")
            s.line(f"list(map(key_{k}, n))", f"key_{k}")
            s.line(f"max(n, key=key_{k})", f"key_{k}")
            s.line(f"list(filter(key_{k}, n))", f"key_{k}")
            s.line(f"functools.reduce(reducer_{k}, n)", f"reducer_{k}")
            s.line(f"functools.partial(gather_{k}, 1, z=2)(3)", f"gather_{k}")
            s.line(f"gather_{k}(*n, **{{'y': 1}})", f"gather_{k}")
            s.line("sorted((b, a))", f"{b}.__lt__")
            s.line("a == b", f"{b}.__eq__")
            s.line("b in [a]", f"{b}.__eq__")
            s.line("d = {a: 1}", f"{b}.__hash__")
            s.line("d.get(b)", f"{b}.__hash__", f"{b}.__eq__")
            s.line("a.missing", f"{b}.__getattr__")
            s.line("getattr(a, 'missing')", f"{b}.__getattr__")
            s.line("a + b", f"{b}.__add__")
            s.line("a[0]", f"{b}.__getitem__")
            s.line("operator.getitem(a, 0)", f"{b}.__getitem__")
            s.line("a()", f"{b}.__call__")
            s.line("len(a)", f"{b}.__len__")
            s.line("bool(a)", f"{b}.__len__")
            s.line("3 in a", f"{b}.__contains__")
            s.line("repr(a)", f"{b}.__repr__")
            s.line("f'{a}'", f"{b}.__repr__")
            s.line("a.prop_by_name", f"{b}.prop")
            s.line("a.plain()", f"{b}.plain")
            s.line("a.klass_way()", f"{b}.plain")
            s.line("a.static_way(1)", f"{b}.plain")
            with s.block("for x in a:", f"{b}.__iter__", f"{b}.__next__"):
                s.line("pass")
    step_over(s, "step", [f"use_{k}" for k in range(count)])
    return s.finish("step")


@program
def scopes(path, version, count=8):
    """Comprehensions, class bodies, lambdas, closures, with blocks."""
    s = begin(path, version)
    for k in range(count):
        f = f"leaf_{k}"
        with s.function(f, "x=0"):
            s.busy(k)
        with s.klass(f"Guard_{k}"):
            with s.method(f"Guard_{k}", "__enter__"):
                s.line(f"{f}()", f)
                s.line("return self")
            with s.method(f"Guard_{k}", "__exit__", "self, *about"):
                s.line(f"{f}()", f)
                s.line("return False")
        with s.function(f"scope_{k}"):
            locals_of(s, k)
            s.line("n = range(4)")
            s.comprehension(f"a = [{f}(x) for x in n]", "<listcomp>", f)
            s.comprehension(f"b = {{{f}(x) for x in n}}", "<setcomp>", f)
            s.comprehension(f"c = {{x: {f}(x) for x in n}}", "<dictcomp>", f)
            s.comprehension(f"d = sum({f}(x) for x in n)", "<genexpr>", f,
                            always=True)
            s.comprehension(f"e = list(map(lambda x: {f}(x), n))", "<lambda>",
                            f, always=True)
            with s.body(f"class Local_{k}:", f"Local_{k}", calls_it=True):
                s.line(f"y = {f}()", f)
                s.line("z = 1")
            with s.function(f"inner_{k}", "x"):
                s.line("p = c")
                s.line(f"return {f}(x)", f)
            s.line(f"inner_{k}(1)", f"inner_{k}")
            guard = f"Guard_{k}"
            # Which line __exit__ is called from is the compiler's choice:
            # the last of the body (3.9) or the with itself.
            with s.block(f"with {guard}():", f"{guard}.__enter__",
                         f"{guard}.__exit__"):
                s.line(f"{f}()", f, *([f"{guard}.__exit__"]
                                      if version < (3, 10) else []))
            s.line("return a, b, c, d, e")
    step_over(s, "step", [f"scope_{k}" for k in range(count)])
    return s.finish("step")


@program
def native_leaf(path, version, count=8):
    """Work in C between short calls."""
    s = begin(path, version)
    for k in range(count):
        with s.function(f"short_{k}"):
            s.line(f"return {k}")
        with s.function(f"native_{k}"):
            locals_of(s, k)
            s.line(f"short_{k}()", f"short_{k}")
            s.line(f"x = sum(range({500 + 100 * k}))")
            s.line(f"short_{k}()", f"short_{k}")
            s.line(f"y = sorted(range({100 + k}, 0, -1))")
            s.line("return x, y")
    step_over(s, "step", [f"native_{k}" for k in range(count)])
    return s.finish("step")
