"""Supervised processes: only those that were started are ended."""

import json
import os
import subprocess
import sys

import pytest
from layout import ClusterError
from processes import Process, start_time

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
            "print('ready', flush=True); time.sleep(600)"]


@pytest.fixture
def process(tmp_path):
    made = Process("thing", tmp_path / "records", tmp_path / "logs")
    yield made
    made.stop(0)


def test_a_started_process_is_known_until_it_is_stopped(process):
    process.start(SLEEP, {})
    pid = process.pid()
    assert pid
    process.stop()
    assert start_time(pid) is None
    assert process.pid() is None


def test_one_that_ignores_the_request_is_killed(process):
    process.start(STUBBORN, {})
    process.await_ready(lambda: "ready" in process.log.read_text())
    pid = process.pid()
    process.stop(0.1)
    assert start_time(pid) is None


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "another"}])
def test_a_process_that_took_over_the_id_is_left_alone(process, change):
    process.start(SLEEP, {})
    pid = process.pid()
    whole = process.record.read_text()
    process.record.write_text(json.dumps({**json.loads(whole), **change}))
    process.stop(0)
    assert start_time(pid) is not None
    process.record.write_text(whole)


def test_one_that_ends_at_once_is_reported_with_its_log(process):
    process.start([sys.executable, "-c", "raise SystemExit('no such flag')"], {})
    with pytest.raises(ClusterError, match="thing ended(.|\n)*no such flag"):
        process.await_ready(lambda: False)


def test_a_broken_record_is_no_process(process):
    process.records.mkdir()
    process.record.write_text("{")
    assert process.pid() is None


def test_the_start_time_survives_odd_names(tmp_path):
    odd = tmp_path / "a) R 1 (b"
    odd.symlink_to("/bin/sleep")
    child = subprocess.Popen([str(odd), "600"])
    try:
        ticks = start_time(child.pid)
        assert ticks is not None and ticks >= start_time(os.getpid())
    finally:
        child.kill()
        child.wait()
    assert start_time(child.pid) is None
