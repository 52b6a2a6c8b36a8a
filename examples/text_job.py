# SPDX-License-Identifier: MIT
"""A job of many short calls: read sources of the standard library, turn them
into trees and back into text, and print tables about them.

usage: text_job.py [ROUNDS]
"""

import ast
import collections
import pprint
import sys

MODULES = ("textwrap", "shlex", "csv", "fractions", "heapq")


def source_of(name):
    """The text of a module of the standard library."""
    module = __import__(name)
    with open(module.__file__, encoding="utf-8") as file:
        return file.read()


def there_and_back(text):
    """The tree of `text`, written out; doing it twice must change nothing."""
    once = ast.unparse(ast.parse(text))
    twice = ast.unparse(ast.parse(once))
    assert once == twice
    return once


def census(text):
    """How often each kind of node occurs, and under which names."""
    kinds = collections.Counter()
    names = collections.defaultdict(list)
    for node in ast.walk(ast.parse(text)):
        kind = type(node).__name__
        kinds[kind] += 1
        name = getattr(node, "name", None)
        if isinstance(name, str):
            names[kind].append(name)
    return {"kinds": dict(kinds), "names": dict(names)}


def main(arguments):
    rounds = int(arguments[0]) if arguments else 5
    sources = {name: source_of(name) for name in MODULES}
    sizes = set()
    for _ in range(rounds):
        tables = {}
        size = 0
        for name, text in sources.items():
            size += len(there_and_back(text))
            tables[name] = census(text)
        size += len(pprint.pformat(tables, width=60))
        sizes.add(size)
    assert len(sizes) <= 1, sizes
    print(f"{rounds} rounds over {len(sources)} modules, all the same")


if __name__ == "__main__":
    main(sys.argv[1:])
