#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn a file into a C array: embed.py INPUT SYMBOL OUTPUT.

The output defines `const char SYMBOL[]`, the bytes of INPUT followed by a
NUL, and `const size_t SYMBOL_size`, their number without that NUL. It is
written as one string literal: for large files gcc needs a tenth of the time
and memory that a list of integers costs it.
"""

import re
import sys

BYTES_A_LINE = 64


def escaped(byte):
    """One byte, such that no byte that follows can be read as part of it."""
    char = chr(byte)
    if char in '"\\?':
        return "\\" + char
    if 0x20 <= byte < 0x7F:
        return char
    return f"\\{byte:03o}"


def c_source(data, symbol):
    lines = [
        '"' + "".join(map(escaped, data[at : at + BYTES_A_LINE])) + '"'
        for at in range(0, len(data), BYTES_A_LINE)
    ] or ['""']
    literal = "\n\t".join(lines)
    return (
        "#include <stddef.h>\n\n"
        f"extern const char {symbol}[];\n"
        f"extern const size_t {symbol}_size;\n\n"
        f"const char {symbol}[] =\n\t{literal};\n"
        f"const size_t {symbol}_size = {len(data)};\n"
    )


def main(argv):
    if len(argv) != 4 or not re.fullmatch(r"[A-Za-z_]\w*", argv[2]):
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    with open(argv[1], "rb") as source:
        data = source.read()
    with open(argv[3], "w", encoding="ascii") as out:
        out.write(c_source(data, argv[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
