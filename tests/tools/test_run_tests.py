"""What counts as a failure of a stage, and what the closing line says."""

import sys

import pytest
import run_tests
from run_tests import Result


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs stages that give these results; returns the status and the closing line."""
    def run(results, by_name):
        monkeypatch.setattr(run_tests, "BUILD", tmp_path)
        monkeypatch.setattr(run_tests, "STAGES", {name: lambda r=r: r for name, r in results.items()})
        monkeypatch.setattr(sys, "argv", ["run_tests.py", *(results if by_name else [])])
        status = run_tests.main()
        return status, (tmp_path / "test-summary.txt").read_text().strip()
    return run


def test_skipped_tests_are_told(run):
    assert run({"a": Result(passed=2)}, True) == (0, "2 passed, 0 failed")
    assert run({"a": Result(passed=2, skipped=1), "b": Result(failures=["x"], skipped=2)}, True) == (
        1, "2 passed, 1 failed, 3 skipped")


def test_a_stage_that_only_skips_fails_if_it_was_asked_for(run, capsys):
    results = lambda: {"a": Result(passed=2), "b": Result(skipped=3)}
    assert run(results(), False) == (0, "2 passed, 0 failed, 3 skipped")
    assert run(results(), True) == (1, "2 passed, 1 failed, 3 skipped")
    assert "FAILED b: every test was skipped" in capsys.readouterr().out


def test_a_stage_without_tests_passes(run):
    assert run({"release": Result()}, True) == (0, "0 passed, 0 failed")


def test_a_machine_that_cannot_be_a_cluster_is_excused_and_told(run, monkeypatch, tmp_path):
    monkeypatch.setattr(run_tests, "can_be_a_cluster", lambda: False)
    monkeypatch.setattr(run_tests, "call", lambda *_: True)
    result = run_tests.in_cluster("conformance", tmp_path / "junit.xml")
    assert run({"conformance": result}, True) == (0, "0 passed, 0 failed, 1 skipped")


def test_a_cluster_that_does_not_come_up_fails(monkeypatch, tmp_path):
    called = []
    monkeypatch.setattr(run_tests, "can_be_a_cluster", lambda: True)

    def call(*command):
        called.append(command[-1])
        return command[-1] != "up"

    monkeypatch.setattr(run_tests, "call", call)
    result = run_tests.in_cluster("conformance", tmp_path / "junit.xml")
    assert result == Result(failures=["conformance: no cluster came up on this machine"])
    assert called == ["packages-cluster.txt", "up", "down"]
