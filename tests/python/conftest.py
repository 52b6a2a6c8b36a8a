# SPDX-License-Identifier: MIT
"""Every test here works in a folder of its own: tare writes its files where
it is called."""

import pytest


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
