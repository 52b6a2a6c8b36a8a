# SPDX-License-Identifier: MIT
"""Each rule of the house finds what is planted, and only that."""

import subprocess
import sys

import check_style
import pytest
from check_style import File

SPDX = "/* SPDX-License-Identifier: MIT */\n"


def findings(rule, name, text):
    return list(rule(File(name, text)))


# (rule, file, text that breaks it, text that does not)
RULES = [
    (
        check_style.no_banned_function,
        "src/os/a.c",
        "\tstrcpy(a, b);",
        "\tmy_strcpy(a, b); x.gets(y); /* strcpy(a, b) */ s = \"gets(\";",
    ),
    (check_style.no_banned_function, "src/a.c", "n = atoi (s);", "n = atoi;"),
    (
        check_style.no_banned_function,
        "src/a.c",
        "t = localtime(&now);",
        "t = localtime_r(&now, &tm);",
    ),
    (
        check_style.python_versions_only_in_layouts,
        "src/sample/a.c",
        "if (version >= 0x030b0000)",
        "if (size >= 0x1030b)",
    ),
    (
        check_style.python_versions_only_in_layouts,
        "src/commands/a.c",
        'hint = "needs Python 3.11";',
        '/* before 3.11 there was none */ hint = "13.11 ms"; x = 3.1415;',
    ),
    (
        check_style.platforms_only_below,
        "src/sample/a.c",
        "#ifdef __linux__",
        "/* __linux__ */\n#ifdef __x86_64__",
    ),
    (
        check_style.platforms_only_below,
        "src/cli/a.c",
        "#  if defined(__APPLE__)",
        "#if defined(NDEBUG)",
    ),
    (
        check_style.only_main_exits,
        "src/store/a.c",
        "\texit(1);",
        "\t_exit(1); on_exit(1); atexit(f);",
    ),
    (
        check_style.no_printing_below_commands,
        "src/profile/a.c",
        '\tprintf("%d", 1);',
        '\tsnprintf(a, 3, "%d", 1); buf_printf(&b, "puts(");',
    ),
    (
        check_style.block_comments_only,
        "src/os/a.c",
        "int a; // what",
        'char *s = "http://x"; /* see // there */',
    ),
    (
        check_style.no_typedef_for_structs,
        "src/os/a.h",
        "typedef struct buf buf_t;",
        "typedef int (*handler)(struct buf *);",
    ),
    (
        check_style.header_guard,
        "src/os/file.h",
        "#ifndef FILE_H\n#define FILE_H\n",
        "#ifndef TARE_OS_FILE_H\n#define TARE_OS_FILE_H\n",
    ),
    (check_style.spdx_line, "src/os/a.c", "int a;\n", SPDX),
    (
        check_style.spdx_line,
        "tools/run",
        "#!/bin/sh\n",
        "#!/bin/sh\n# SPDX-License-Identifier: MIT\n",
    ),
    (check_style.spdx_line, "src/a/meson.build", "x = 1\n", ""),
    (
        check_style.no_paths_of_this_machine,
        "docs/a.md",
        f"see {check_style.root_folder()}/src",
        "see src/ or /usr/lib",
    ),
]


@pytest.mark.parametrize(
    ("rule", "name", "bad", "good"),
    RULES,
    ids=lambda x: getattr(x, "__name__", None),
)
def test_a_rule_finds_what_breaks_it_and_nothing_else(rule, name, bad, good):
    found = findings(rule, name, f"{bad}\n")
    assert len(found) == 1
    assert findings(rule, name, good) == []


def test_every_rule_is_tested():
    tested = {rule for rule, _, _, _ in RULES}
    tested.add(check_style.snake_case_names)
    assert tested == set(check_style.FILE_RULES)


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        (
            check_style.python_versions_only_in_layouts,
            "src/cpython/layouts/cp311.c",
            ".version = 0x030b,",
        ),
        (check_style.platforms_only_below, "src/os/a.c", "#ifdef __linux__"),
        (check_style.platforms_only_below, "src/target/a.c", "#if __linux__"),
        (check_style.only_main_exits, "src/main.c", "exit(1);"),
        (check_style.no_printing_below_commands, "src/main.c", "puts(s);"),
        (
            check_style.no_printing_below_commands,
            "src/commands/a.c",
            "puts(s);",
        ),
    ],
)
def test_a_rule_has_its_places_of_exception(rule, name, text):
    assert findings(rule, name, text) == []


def test_the_line_of_a_finding_is_right_after_comments_and_texts():
    text = '/* one\n * two\n */\nchar *s = "a\\"b";\n\n\tgets(s);\n'
    rule = check_style.no_banned_function
    assert [line for line, _ in findings(rule, "src/a.c", text)] == [6]


@pytest.mark.parametrize("name", ["src/os/File.c", "src/os/my-file.c"])
def test_file_names_are_snake_case(name):
    assert findings(check_style.snake_case_names, name, "")
    assert not findings(check_style.snake_case_names, "src/os/my_file2.c", "")


def test_two_files_of_one_name_are_found():
    one, two = File("src/os/place.c", ""), File("src/render/place.c", "")
    other = File("tests/unit/place.c", "")
    assert not list(check_style.unique_names([one, other]))
    assert [f[0] for f in check_style.unique_names([one, two])] == [two.name]


# ------------------------------------------- rules that need another program


def plant(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return File(name, text)


def function(lines, branches=0):
    body = "".join(f"\tif (n == {i})\n\t\tn++;\n" for i in range(branches))
    filler = "\tn++;\n" * (lines - 4 - 2 * branches)
    return f"int f(int n)\n{{\n{body}{filler}\treturn n;\n}}\n"


@pytest.mark.parametrize(
    ("lines", "branches", "word"),
    [
        (check_style.LINES_MAX, 0, None),
        (check_style.LINES_MAX + 1, 0, "lines"),
        (70, check_style.COMPLEXITY_MAX - 1, None),
        (70, check_style.COMPLEXITY_MAX, "complexity"),
    ],
)
def test_long_or_tangled_functions_are_found(tmp_path, lines, branches, word):
    file = plant(tmp_path, "src/os/a.c", function(lines, branches))
    found = list(check_style.function_sizes([file], tmp_path))
    assert len(found) == bool(word)
    assert not word or word in found[0][2]


def test_a_header_that_leans_on_another_is_found(tmp_path):
    good = plant(tmp_path, "src/os/a.h", "#include <stddef.h>\nsize_t a;\n")
    bad = plant(tmp_path, "src/os/b.h", "size_t b;\n")
    found = list(check_style.headers_alone([good, bad], tmp_path))
    assert [name for name, _, _ in found] == [bad.name]


def test_the_program_names_file_and_line_and_fails(tmp_path):
    def run():
        return subprocess.run(
            [sys.executable, check_style.__file__, str(tmp_path)],
            capture_output=True,
            text=True,
        )

    plant(tmp_path, "src/os/a.c", SPDX + "int a;\n")
    assert run().returncode == 0
    plant(tmp_path, "src/os/b.c", SPDX + "\nvoid f(void)\n{\n\texit(1);\n}\n")
    done = run()
    assert done.returncode == 1
    assert done.stdout.startswith("src/os/b.c:5: only main.c exits")
