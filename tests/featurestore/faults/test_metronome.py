"""What is excused by a busy machine, and what is not."""

import asyncio
import time

import pytest

from tests.featurestore.faults.metronome import Metronome, queued_s


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
