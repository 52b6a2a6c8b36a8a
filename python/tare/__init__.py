# SPDX-License-Identifier: MIT
"""tare: where the time of a Python program goes, seen from outside.

The work is done by a native program of the same name. This package carries
it; `find_tare_bin()` says where it is. `tare.timed` times a function or some
lines from inside the program.
"""

import os
import shutil

__all__ = ["Timing", "find_tare_bin", "timed"]


def find_tare_bin():
    """The path of the native program; FileNotFoundError if there is none.

    It is the one inside this package. Where the package is only a checkout
    of the sources, it is the one that `make` builds beside it.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    built = os.path.join(os.path.dirname(os.path.dirname(here)), "build")
    for folder in (here, built):
        path = shutil.which("tare", path=folder)
        if path:
            return path
    raise FileNotFoundError(f"there is no program 'tare' in {here}")


def __getattr__(name):
    """`tare.timed` is loaded when it is used: the program of this name
    starts through this file as well, and should not wait for it."""
    if name in ("Timing", "timed"):
        import tare._timed

        globals().update(Timing=tare._timed.Timing, timed=tare._timed.timed)
        return globals()[name]
    raise AttributeError(f"module 'tare' has no attribute {name!r}")
