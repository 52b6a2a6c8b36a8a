# SPDX-License-Identifier: MIT
"""The count at the end of `make test` is true: nothing that failed, broke off
or was skipped gets lost in it."""

import json
import xml.etree.ElementTree

import run_tests
from run_tests import Count

JUNIT = """<testsuites>
<testsuite name="tare.test_a">
 <testcase name="1 - a::one"/>
 <testcase name="2 - a::two"><failure/></testcase>
 <testcase name="3 - a::three"><skipped/>
  <system-out>no kernel support</system-out></testcase>
</testsuite>
<testsuite name="tare.test_b">
 <testcase name="1 - b::one"/>
 <testcase name="2 - b::two"><skipped/>
  <system-out>test was skipped</system-out></testcase>
</testsuite>
</testsuites>"""


def root():
    return xml.etree.ElementTree.fromstring(JUNIT)


def test_each_test_of_a_program_counts():
    assert run_tests.count_unit(root(), set(), "") == Count(2, 1, 2)


def test_a_program_that_failed_by_a_test_counts_once():
    count = run_tests.count_unit(root(), {"test_a"}, "")
    assert count == Count(2, 1, 2)


# A time-out or a crash outside of a test leaves no failed test behind.
def test_a_program_that_broke_off_counts_as_a_failure():
    count = run_tests.count_unit(root(), {"test_a", "test_b"}, "")
    assert count == Count(2, 2, 2)


def test_what_a_filter_left_out_is_not_counted_as_skipped(capsys):
    count = run_tests.count_unit(root(), set(), "one")
    assert count == Count(2, 1, 1)
    assert "SKIPPED 3 - a::three: no kernel support" in capsys.readouterr().out


def test_an_error_of_pytest_counts_as_a_failure():
    cases = xml.etree.ElementTree.fromstring(
        "<s><testcase><error/></testcase><testcase/>"
        "<testcase><skipped/></testcase></s>"
    )
    assert run_tests.count_cases(cases) == Count(1, 1, 1)


def test_a_release_is_covered_by_a_test_that_passed(tmp_path, capsys):
    junit = tmp_path / "a.xml"
    junit.write_text(
        "<s><testcase name='one[3.9.18-pyenv]'/>"
        "<testcase name='two[fork-3.10.1rc1-debian-sid]'/>"
        "<testcase name='three[3.11.2-system]'><failure/></testcase>"
        "<testcase name='free[3.13.0t-pyenv]'/>"
        "<testcase name='new[3.15.0b1+-path]'/>"
        "<testcase name='four[3.12.1-pyenv]'><skipped/></testcase></s>"
    )
    junits = [junit, tmp_path / "missing.xml"]
    count = run_tests.count_covered(["3.9", "3.10", "3.15"], junits)
    assert count == Count(3, 0, 0)
    count = run_tests.count_covered(["3.9", "3.11", "3.12", "3.13"], junits)
    assert count == Count(1, 3, 0)
    assert "no test passed with a live Python 3.12" in capsys.readouterr().out


def test_programs_that_did_not_end_well_are_known(tmp_path):
    log = tmp_path / "testlog.json"
    results = {"a": "OK", "b": "ERROR", "c": "TIMEOUT", "d": "SKIP"}
    log.write_text(
        "\n".join(
            json.dumps({"name": f"tare:unit / test_{name}", "result": result})
            for name, result in results.items()
        ),
        encoding="utf-8",
    )
    assert run_tests.bad_programs(log) == {"test_b", "test_c"}


def test_a_broken_result_file_is_not_a_pass(tmp_path):
    half = tmp_path / "half.xml"
    half.write_text("<testsuites><testcase", encoding="utf-8")
    assert run_tests.parse_junit(half) is None
    assert run_tests.parse_junit(tmp_path / "none.xml") is None


def test_the_words_of_the_count_are_those_that_ci_reads():
    assert str(Count(1, 2, 3)) == "1 passed, 2 failed, 3 skipped"


# Only Debian itself may take a Python away from what must be covered.
def test_what_has_to_be_covered():
    everything = dict.fromkeys(run_tests.REQUIRED.values(), "ok")
    assert run_tests.required_minors(everything) == list(run_tests.REQUIRED)
    gone = {**everything, "bullseye": "not served", "sid": "not served"}
    assert run_tests.required_minors(gone) == ["3.11", "3.13", "3.14", "3.15"]
    broken = {**everything, "bullseye": "failed: no network"}
    assert "3.9" in run_tests.required_minors(broken)
