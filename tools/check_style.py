#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of the house that no other tool knows: check_style.py [ROOT].

Each rule is one function that gets a File and yields (line, message). What
is a comment or a text is told apart first, so that a rule can say where it
applies. Rules that need another program (the compiler, pmccabe) get all
files at once.
"""

import dataclasses
import functools
import pathlib
import re
import subprocess
import sys

LINES_WARN, LINES_MAX = 60, 100
COMPLEXITY_MAX = 20

C_TOKEN = re.compile(
    r"(?P<comment>/\*.*?\*/|//[^\n]*)"
    r'|(?P<string>"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')',
    re.DOTALL,
)


def blank(text):
    """As many blanks, on as many lines."""
    return re.sub(r"[^\n]", " ", text)


@dataclasses.dataclass(frozen=True)
class File:
    name: str  # from the root, with "/"
    text: str

    @functools.cached_property
    def code(self):
        """C without its comments, texts kept."""
        return C_TOKEN.sub(
            lambda m: blank(m[0]) if m["comment"] else m[0], self.text
        )

    @functools.cached_property
    def bare_code(self):
        """C without its comments and what is inside its texts."""
        return C_TOKEN.sub(lambda m: blank(m[0]), self.text)

    @property
    def is_c(self):
        return self.name.endswith((".c", ".h"))

    def inside(self, *folders):
        return self.name.startswith(folders)

    def find(self, pattern, where):
        """(line, match) wherever the pattern is in `where`."""
        for match in re.finditer(pattern, where, re.MULTILINE):
            yield where.count("\n", 0, match.start()) + 1, match


# ------------------------------------------------------------------ rules

BANNED = {
    "strcpy": "memcpy() or snprintf()",
    "strcat": "struct buf",
    "strncpy": "memcpy() or snprintf()",
    "strncat": "struct buf",
    "sprintf": "snprintf()",
    "vsprintf": "vsnprintf()",
    "gets": "getline()",
    "strtok": "strchr() or strsep()",
    "atoi": "strtol(), checked",
    "atol": "strtol(), checked",
    "atoll": "strtoll(), checked",
    "atof": "strtod(), checked",
    "localtime": "localtime_r()",
    "gmtime": "gmtime_r()",
    "ctime": "strftime()",
    "asctime": "strftime()",
    "tmpnam": "mkstemp()",
    "tempnam": "mkstemp()",
    "mktemp": "mkstemp()",
    "alloca": "malloc() or a fixed array",
    "system": "os/child.h",
    "popen": "os/child.h",
}


def no_banned_function(file):
    if not file.is_c or not file.inside("src/"):
        return
    pattern = r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\("
    for line, match in file.find(pattern, file.bare_code):
        yield line, f"{match[1]}() is banned: use {BANNED[match[1]]}"


def python_versions_only_in_layouts(file):
    """Code asks what shape a thing has, never which version it is of."""
    if not file.is_c or not file.inside("src/"):
        return
    if file.inside("src/cpython/layouts/"):
        return
    pattern = r"(?<![\w.])(3\.(?:[6-9]|1\d)(?!\d)|0x030[0-9a-f]\w*)"
    for line, match in file.find(pattern, file.code):
        yield line, (
            f"Python version {match[1]}: belongs in src/cpython/layouts/"
        )


def platforms_only_below(file):
    if not file.is_c or file.inside("src/os/", "src/target/"):
        return
    pattern = r"^\s*#.*\b(__linux__|__APPLE__|__FreeBSD__|_WIN32)\b"
    for line, match in file.find(pattern, file.bare_code):
        yield line, f"{match[1]}: platforms differ in src/os/ and src/target/"


def only_main_exits(file):
    if not file.is_c or not file.inside("src/") or file.name == "src/main.c":
        return
    for line, _ in file.find(r"(?<![\w.>])exit\s*\(", file.bare_code):
        yield line, "only main.c exits: return an error"


def no_printing_below_commands(file):
    if not file.is_c or not file.inside("src/"):
        return
    if file.inside("src/commands/", "src/main.c"):
        return
    pattern = r"(?<![\w.>])(printf|puts|putchar|perror)\s*\("
    for line, match in file.find(pattern, file.bare_code):
        yield line, f"{match[1]}(): only src/commands/ and main.c print"


def block_comments_only(file):
    if not file.is_c:
        return
    for match in C_TOKEN.finditer(file.text):
        if match["comment"] and match[0].startswith("//"):
            line = file.text.count("\n", 0, match.start()) + 1
            yield line, "write /* ... */ comments"


def no_typedef_for_structs(file):
    if not file.is_c:
        return
    pattern = r"^\s*typedef\s+(struct|union|enum)\b"
    for line, match in file.find(pattern, file.bare_code):
        yield line, f"no typedef for a {match[1]}"


def header_guard(file):
    if not file.name.startswith("src/") or not file.name.endswith(".h"):
        return
    words = re.sub(r"\W", "_", file.name.removeprefix("src/")).upper()
    guard = f"TARE_{words}"
    if f"#ifndef {guard}\n#define {guard}\n" not in file.text:
        yield 1, f"the header guard has to be {guard}"


def spdx_line(file):
    path = pathlib.PurePosixPath(file.name)
    known = path.suffix in (".c", ".h", ".py", ".sql", ".toml")
    known = known or path.name in ("meson.build", "Makefile")
    if not known and not file.text.startswith("#!"):
        return
    head = "\n".join(file.text.splitlines()[:3])
    if file.text.strip() and "SPDX-License-Identifier: MIT" not in head:
        yield 1, "the first lines lack SPDX-License-Identifier: MIT"


def snake_case_names(file):
    path = pathlib.PurePosixPath(file.name)
    if path.suffix not in (".c", ".h"):
        return
    if not re.fullmatch(r"[a-z][a-z0-9_]*", path.stem):
        yield 1, "file names are snake_case"


def no_paths_of_this_machine(file):
    """Where the developer works is nobody else's business, and fails there."""
    for folder in (pathlib.Path.home(), root_folder()):
        if len(folder.parts) < 3:
            continue  # "/root", "/src": words that mean other things too
        pattern = re.escape(str(folder)) + r"\b"
        for line, _ in file.find(pattern, file.text):
            yield line, f"a path of this machine: {folder}"


FILE_RULES = (
    no_banned_function,
    python_versions_only_in_layouts,
    platforms_only_below,
    only_main_exits,
    no_printing_below_commands,
    block_comments_only,
    no_typedef_for_structs,
    header_guard,
    spdx_line,
    snake_case_names,
    no_paths_of_this_machine,
)


def unique_names(files):
    """A name in a message or an include has to mean one file."""
    seen = {}
    for file in files:
        path = pathlib.PurePosixPath(file.name)
        if not file.is_c or not file.inside("src/"):
            continue
        if path.name in seen:
            yield file.name, 1, f"there is a {seen[path.name]} already"
        seen.setdefault(path.name, file.name)


def function_sizes(files, root):
    """Length and complexity, as pmccabe counts them."""
    names = [f.name for f in files if f.name.endswith(".c")]
    if not names:
        return
    shown = subprocess.run(
        ["pmccabe", *names],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    for row in shown.stdout.splitlines():
        complexity, _, _, first, length, place = row.split("\t")
        name = place.partition("(")[0]
        function = place.rpartition(": ")[2]
        if int(length) > LINES_MAX:
            yield name, int(first), (
                f"{function}() has {length} lines; {LINES_MAX} is the most"
            )
        elif int(length) > LINES_WARN:
            print(
                f"{name}:{first}: note: {function}() has {length} lines; "
                f"aim at {LINES_WARN}"
            )
        if int(complexity) > COMPLEXITY_MAX:
            yield name, int(first), (
                f"{function}() has complexity {complexity}; "
                f"{COMPLEXITY_MAX} is the most"
            )


# Templates: what they are made from is defined by the file that includes them.
NOT_ALONE = (
    "src/cpython/layouts/published.h",
    "src/cpython/layouts/published_tasks.h",
)


def headers_alone(files, root):
    """Each header compiles without another one before it."""
    for file in files:
        if not file.inside("src/") or not file.name.endswith(".h"):
            continue
        if file.name in NOT_ALONE:
            continue
        done = subprocess.run(
            [
                *("cc", "-fsyntax-only", "-std=gnu11", "-D_GNU_SOURCE=1"),
                *("-Wall", "-Wextra", "-Isrc", "-x", "c", "-"),
            ],
            input=f'#include "{file.name.removeprefix("src/")}"\n',
            cwd=root,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            first = done.stderr.strip().splitlines()
            error = next((x for x in first if "error" in x), first[0])
            yield file.name, 1, f"does not compile alone: {error}"


# ------------------------------------------------------------------- tree


def root_folder():
    return pathlib.Path(__file__).resolve().parent.parent


def listed(root):
    """What git tracks or would track: generated files are nobody's style."""
    shown = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    if shown.returncode:
        every = (p.relative_to(root) for p in root.rglob("*") if p.is_file())
        return sorted(
            p.as_posix() for p in every if not p.parts[0].startswith("build")
        )
    return sorted(set(shown.stdout.split("\0")) - {""})


def read_files(root):
    """The text files of the tree."""
    for name in listed(root):
        path = root / name
        if not path.is_file():
            continue
        data = path.read_bytes()
        if b"\0" in data[:8192]:
            continue
        yield File(name, data.decode("utf-8", errors="replace"))


def check_files(files):
    for file in files:
        for rule in FILE_RULES:
            for line, message in rule(file):
                yield file.name, line, message
    yield from unique_names(files)


def check_tree(root):
    """All findings, as lines for people."""
    files = list(read_files(root))
    for name, line, message in (
        *check_files(files),
        *function_sizes(files, root),
        *headers_alone(files, root),
    ):
        yield f"{name}:{line}: {message}"


def main(argv):
    root = pathlib.Path(argv[1]).resolve() if len(argv) > 1 else root_folder()
    findings = list(check_tree(root))
    print("\n".join(findings), end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
