# SPDX-License-Identifier: MIT
"""Any bytes that are embedded come back, as the C compiler reads them."""

import os
import pathlib
import subprocess
import sys

import pytest

EMBED = pathlib.Path(__file__).resolve().parents[2] / "tools" / "embed.py"

PRINT_IT = """
#include <stdio.h>
extern const char data[];
extern const size_t data_size;
int main(void)
{
	fwrite(data, 1, data_size, stdout);
	return data[data_size] != 0;
}
"""

CASES = {
    "nothing": b"",
    "every byte": bytes(range(256)),
    # "\\1" before "2" must not become the one character \\12.
    "an escape before a digit": b"\x012\x0007\xff9",
    "trigraphs and quotes": b'??/??="\\"%s\\n',
    "lines": b"CREATE TABLE t (a);\n\n-- it's\r\n",
    "longer than a line of it": bytes(range(256)) * 40,
}


@pytest.mark.parametrize("data", CASES.values(), ids=CASES.keys())
def test_bytes_survive_the_compiler(tmp_path, data):
    (tmp_path / "in").write_bytes(data)
    (tmp_path / "main.c").write_text(PRINT_IT, encoding="ascii")
    subprocess.run(
        [sys.executable, EMBED, tmp_path / "in", "data", tmp_path / "out.c"],
        check=True,
    )
    subprocess.run(
        ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o"]
        + [tmp_path / "a", tmp_path / "main.c", tmp_path / "out.c"],
        check=True,
    )
    done = subprocess.run([tmp_path / "a"], stdout=subprocess.PIPE)
    assert done.stdout == data
    assert done.returncode == 0


@pytest.mark.parametrize("symbol", ["", "1a", "a-b", "a;b"])
def test_a_symbol_that_is_no_c_name_is_refused(tmp_path, symbol):
    out = tmp_path / "out.c"
    done = subprocess.run(
        [sys.executable, EMBED, os.devnull, symbol, out], capture_output=True
    )
    assert done.returncode == 2
    assert not out.exists()
