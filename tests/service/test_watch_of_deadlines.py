"""Deadlines kept by one timer."""

import asyncio
import time

import pytest

from service.watch import Watch

pytestmark = pytest.mark.anyio


async def value() -> str:
    return "there"


async def test_what_comes_in_time_is_returned() -> None:
    watch = Watch()
    assert await watch.until(time.monotonic() + 5, value()) == "there"
    assert await watch.until(time.monotonic() + 5, asyncio.sleep(0.05, "later")) == "later"


async def test_what_does_not_is_a_timeout_for_each() -> None:
    watch, now = Watch(), time.monotonic()
    waits = [watch.until(now + seconds, asyncio.sleep(30)) for seconds in (0.01, 0.05, 0.2)]
    outcomes = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [TimeoutError] * 3


async def test_a_deadline_that_is_over_leaves_no_cancellation_behind() -> None:
    watch = Watch()
    assert await watch.until(time.monotonic() - 1, value()) == "there"
    await asyncio.sleep(0.1)
    assert asyncio.current_task().cancelling() == 0


async def test_who_is_cancelled_stays_so_after_the_deadline() -> None:
    watch = Watch()

    async def stubborn() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            task.cancel()  # while the deadline's own is being dealt with
            raise

    task = asyncio.create_task(watch.until(time.monotonic() + 0.01, stubborn()))
    with pytest.raises(asyncio.CancelledError):
        await task
