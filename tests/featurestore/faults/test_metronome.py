"""What is excused by a busy machine, and what is not."""

import asyncio
import os
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

from tests.featurestore.faults.metronome import Metronome, pressed_s, queued_s

SPIN = "import os, sys\nos.sched_setaffinity(0, {int(sys.argv[1])})\nwhile True: pass"
ENOUGH_S = 0.1


@pytest.mark.anyio
async def test_blocking_the_loop_is_not_excused() -> None:
    with Metronome() as metronome:
        await asyncio.sleep(0.02)
        queued, since = queued_s(), time.monotonic()
        time.sleep(0.5)  # noqa: ASYNC251
        until = time.monotonic()
        assert metronome.lost(since, until) < 0.25
        assert queued_s() - queued < 0.25


def test_what_was_lost_is_within_the_interval() -> None:
    with Metronome() as metronome:
        since = time.monotonic()
        time.sleep(0.1)
        until = time.monotonic()
        assert 0.0 <= metronome.lost(since, until) <= until - since
        assert metronome.lost(until, since) == 0.0


def test_what_others_wait_for_a_cpu_is_counted_in_seconds() -> None:
    if pressed_s() == 0.0:
        pytest.skip("this kernel doesn't count it")
    cpu = str(min(os.sched_getaffinity(0)))
    with ExitStack() as stack:
        since, before = time.monotonic(), pressed_s()
        for _ in range(2):  # of which one waits at any time
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", SPIN, cpu]))
            stack.callback(process.kill)
        while pressed_s() - before < ENOUGH_S:
            time.sleep(0.01)
        waited = pressed_s() - before
        assert ENOUGH_S <= waited <= time.monotonic() - since
