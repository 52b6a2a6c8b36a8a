# SPDX-License-Identifier: MIT
"""The fixtures of the truth tests: each test that asks for `place` runs once
for each release of Python that tare reads and this machine has."""

import pytest

import tare_runs


def pytest_generate_tests(metafunc):
    if "interpreter" in metafunc.fixturenames:
        found = tare_runs.interpreters()
        assert found, "no CPython from 3.9 on was found"
        metafunc.parametrize("interpreter", found, scope="session",
                             ids=[one.name for one in found])


@pytest.fixture
def place(interpreter):
    with tare_runs.place_for(interpreter) as one:
        yield one
