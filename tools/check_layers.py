#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which folder of src/ may include which: check_layers.py [ROOT].

The table is the house plan of ARCHITECTURE.md. Includes are written
"module/file.h" from src/, which is what makes the check this simple.
"""

import pathlib
import re
import sys

MAY_USE = {
    "base": "",
    "os": "base",
    "cli": "base",
    "profile": "base",
    "target": "os base",
    "native": "target os base",
    "cpython": "target base",
    "sample": "cpython native target profile os base",
    "timing": "profile os base",
    "store": "profile base",
    "render": "profile base",
    "export": "profile base",
    "commands": (
        "sample timing cpython target store render export cli profile os base"
    ),
    # src/main.c itself
    "": "commands cli os base",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def check_text(module, text):
    """(line, message) for each include that `module` may not have."""
    allowed = {module, *MAY_USE[module].split()}
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start(1)) + 1
        folder, slash, _ = match[1].partition("/")
        if not slash or ".." in match[1]:
            yield line, f'"{match[1]}": write "module/file.h", from src/'
        elif folder not in MAY_USE:
            yield line, f'"{match[1]}": no such module'
        elif folder not in allowed:
            yield line, f"{module or 'main.c'} may not use {folder}/"


def module_of(path, src):
    """The module a file belongs to; "" for a file at the top of src/."""
    parts = path.relative_to(src).parts
    return parts[0] if len(parts) > 1 else ""


def check_tree(root):
    """All findings under root/src, as lines for people."""
    src = root / "src"
    for path in sorted(src.rglob("*.[ch]")):
        module = module_of(path, src)
        where = path.relative_to(root)
        if module not in MAY_USE:
            yield f"{where}: src/{module}/ is not in the table of layers"
            continue
        for line, message in check_text(
            module, path.read_text(encoding="utf-8")
        ):
            yield f"{where}:{line}: {message}"


def main(argv):
    here = pathlib.Path(__file__).resolve().parent.parent
    root = pathlib.Path(argv[1]) if len(argv) > 1 else here
    findings = list(check_tree(root))
    print("\n".join(findings), end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
