# SPDX-License-Identifier: MIT
"""`tare ...` and `python -m tare ...` become the native program: the same
process, the same PID, nothing of Python left in it."""

import os
import signal
import sys

from tare import find_tare_bin

# What Python ignores at its start; a program under tare must not inherit it.
_CHANGED_SIGNALS = ("SIGPIPE", "SIGXFSZ")


def main():
    try:
        program = find_tare_bin()
    except FileNotFoundError as error:
        print(f"tare: {error}", file=sys.stderr)
        print("try: pip install --force-reinstall tare", file=sys.stderr)
        return 125
    for name in _CHANGED_SIGNALS:
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    os.execv(program, ["tare", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
