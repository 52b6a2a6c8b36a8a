# SPDX-License-Identifier: MIT
"""Work for which others wrote the code: modules of the standard library, in
the way people use them. Runs under every Python from 3.9.

usage: real_programs.py NAME SECONDS

Each entry of PROGRAMS makes a function without arguments; one call of it is
a round of a few milliseconds, and every round does the same.
"""

import sys
import time

PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


def source_of(name):
    module = __import__(name)
    with open(module.__file__, encoding="utf-8") as file:
        return file.read()


def fib_of(n):
    if n < 2:
        return n
    return fib_of(n - 1) + fib_of(n - 2)


@program
def fib():
    return lambda: fib_of(19)


@program
def pprint():
    from pprint import pformat
    table = [{"name": f"row {i}", "values": list(range(i % 9)),
              "inner": {"a": (i, i + 1), "b": [str(i)] * (i % 4)}}
             for i in range(120)]
    return lambda: pformat(table, width=60)


@program
def difflib():
    from difflib import unified_diff
    before = source_of("textwrap").splitlines()
    after = [line for i, line in enumerate(before) if i % 11]
    after[40:40] = ["one more line"] * 5
    return lambda: list(unified_diff(before, after))


@program
def unparse():
    import ast
    tree = ast.parse(source_of("shlex"))
    return lambda: ast.unparse(tree)


@program
def json_text():
    from json import JSONEncoder

    class Slow(JSONEncoder):
        """With indent the encoder is the one written in Python."""

    rows = [{"id": i, "tags": ["x", "y"], "at": [i / 3, None, True]}
            for i in range(300)]
    return lambda: Slow(indent=1).encode(rows)


@program
def logging():
    import io
    from logging import DEBUG, Formatter, Logger, StreamHandler
    stream = io.StringIO()
    handler = StreamHandler(stream)
    handler.setFormatter(Formatter("%(levelname)s %(name)s %(message)s"))
    logger = Logger("truth", DEBUG)
    logger.addHandler(handler)

    def lines():
        stream.seek(0)
        stream.truncate()
        for i in range(500):
            logger.info("line %d of %s", i, "many")
    return lines


@program
def argparse():
    from argparse import ArgumentParser

    def parse():
        for _ in range(8):
            parser = ArgumentParser(prog="x")
            for i in range(12):
                parser.add_argument(f"--option-{i}", type=int, default=i)
            parser.add_argument("words", nargs="*")
            parser.parse_args("--option-3 4 --option-7=1 a b c".split())
    return parse


@program
def patterns():
    import re

    def compile_all():
        for i in range(12):
            re.purge()
            re.compile(r"(?P<a>\w+)\s*=\s*(?:'([^'\\]|\\.)*'|[-+]?\d+(\.\d*)?"
                       r"|\[[a-z0-9_]{1,%d}\])(?:,|;|$)" % (i + 3))
    return compile_all


@program
def mail():
    from email import message_from_string
    from email.mime.multipart import MIMEMultipart
    from email.mime.text import MIMEText
    letter = MIMEMultipart()
    letter["Subject"] = "=?utf-8?q?a_subject?= with words " * 3
    letter["To"] = ", ".join(f"user{i}@example.org" for i in range(20))
    for i in range(6):
        letter.attach(MIMEText(f"part {i}\n" * 40))
    text = letter.as_string()
    return lambda: [message_from_string(text).as_string() for _ in range(4)]


@program
def decimals():
    from _pydecimal import Decimal

    def series():
        total, term = Decimal(0), Decimal(1)
        for i in range(1, 60):
            total += term
            term = term / i * Decimal("1.5")
        return total.sqrt()
    return series


@program
def markup():
    from html.parser import HTMLParser
    text = "".join(f"<p class='c{i}'>text &amp; <b>more</b><br/></p>\n"
                   for i in range(200))

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            self.seen = tag, attrs

    return lambda: Reader().feed(text)


@program
def minidom():
    from xml.dom.minidom import parseString
    text = "<r>" + "".join(f"<i n='{i}'><v>{i}</v></i>"
                           for i in range(120)) + "</r>"
    return lambda: parseString(text).toprettyxml()


@program
def settings():
    try:
        from tomllib import loads
    except ImportError:  # before 3.11
        from configparser import ConfigParser
        text = "".join(f"[s{i}]\nkey = value {i}\n" for i in range(120))
        return lambda: ConfigParser().read_string(text)
    text = "".join(f"[s{i}]\nkey = 'value {i}'\nlist = [1, 2.5, true]\n"
                   for i in range(120))
    return lambda: loads(text)


def rounds(work, seconds):
    """What is judged: the stacks above this function."""
    end = time.perf_counter() + seconds
    while True:
        work()
        if time.perf_counter() >= end:
            return


def main(name, seconds):
    sys.setrecursionlimit(5000)
    work = PROGRAMS[name]()
    work()
    rounds(work, float(seconds))
    print("ok")


if __name__ == "__main__":
    main(*sys.argv[1:])
