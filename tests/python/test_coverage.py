# SPDX-License-Identifier: MIT
"""Runs last, where TARE_REQUIRE_PYTHONS names minor versions: each of them
must have been there, and a test with a live process of it must have passed."""

import os

import pytest

REQUIRED = os.environ.get("TARE_REQUIRE_PYTHONS", "").split()


@pytest.mark.parametrize("minor", REQUIRED)
def test_a_required_interpreter_was_covered_live(minor, covered):
    assert minor in covered, f"no test passed with a live Python {minor}"
