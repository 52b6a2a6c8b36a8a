# SPDX-License-Identifier: MIT
"""tare: where the time of a Python program goes, seen from outside.

The work is done by a native program of the same name. This package carries
it; `find_tare_bin()` says where it is.
"""

import os
import shutil

__all__ = ["find_tare_bin"]


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
