#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Names of the files in a folder, sorted: list_files.py FOLDER PATTERN.

Meson has no wildcards; it runs this where a folder is meant to pick up
whatever is dropped in.
"""

import pathlib
import sys


def main(argv):
    if len(argv) != 3:
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    for name in sorted(p.name for p in pathlib.Path(argv[1]).glob(argv[2])):
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
