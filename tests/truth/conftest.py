# SPDX-License-Identifier: MIT
"""The fixtures of the truth tests: each test that asks for `place` runs once
for each release of Python that tare reads and this machine has."""

import os

import pytest

import tare_runs


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "releases(minor, ...): of the Pythons only these, unless "
        "TARE_TRUTH_PYTHONS says which; for what takes long and does not "
        "depend much on the release")


def chosen(metafunc):
    found = tare_runs.interpreters()
    marker = metafunc.definition.get_closest_marker("releases")
    if marker and not os.environ.get("TARE_TRUTH_PYTHONS"):
        found = [one for one in found if one.minor in marker.args]
    return found


def pytest_generate_tests(metafunc):
    if "interpreter" in metafunc.fixturenames:
        found = chosen(metafunc)
        assert found, "no CPython from 3.9 on was found"
        metafunc.parametrize("interpreter", found, scope="session",
                             ids=[one.name for one in found])


@pytest.fixture
def place(interpreter):
    with tare_runs.place_for(interpreter) as one:
        yield one
