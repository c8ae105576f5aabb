"""Threads beside the event loop."""

import asyncio
import gc
import threading
import time
import weakref

import pytest

from service.errors import DeadlineExceeded
from service.side_threads import SideThreads

pytestmark = pytest.mark.anyio
LONG_S = 20.0


def soon(seconds: float = LONG_S) -> float:
    return time.monotonic() + seconds


async def test_what_the_work_gives_or_raises_comes_back() -> None:
    side = SideThreads(1)
    assert await side.run(threading.current_thread, soon()) is not threading.current_thread()
    with pytest.raises(ZeroDivisionError):
        await side.run(lambda: 1 // 0, soon())
    assert await side.run(lambda: 3, soon()) == 3
    side.close()


async def test_the_newest_has_the_next_turn_and_what_is_late_never_starts() -> None:
    side, go, begun = SideThreads(1), threading.Event(), threading.Event()
    done: list[int] = []

    def hold() -> None:
        begun.set()
        assert go.wait(LONG_S)

    held = asyncio.create_task(side.run(hold, soon()))
    await asyncio.to_thread(begun.wait)
    late = asyncio.create_task(side.run(lambda: done.append(0), soon(0.03)))
    waiting = []
    for number in (1, 2, 3):
        waiting.append(asyncio.create_task(side.run(lambda n=number: done.append(n), soon())))  # type: ignore[misc]
        await asyncio.sleep(0)
    with pytest.raises(DeadlineExceeded, match="not there in time"):
        await late
    go.set()
    await asyncio.gather(held, *waiting)
    assert done == [3, 2, 1]
    side.close()


async def test_late_work_keeps_its_thread_until_it_ends() -> None:
    side, go = SideThreads(2), threading.Event()
    for _ in range(2):
        with pytest.raises(DeadlineExceeded):
            await side.run(lambda: go.wait(LONG_S), soon(0.02))
    with pytest.raises(DeadlineExceeded):
        await side.run(lambda: pytest.fail("there is no thread for it"), soon(0.02))
    go.set()
    assert await side.run(lambda: 1, soon()) == 1
    side.close()


async def test_a_cancelled_caller_gives_its_turn_away() -> None:
    side, go = SideThreads(1), threading.Event()
    held = asyncio.create_task(side.run(lambda: go.wait(LONG_S), soon()))
    await asyncio.sleep(0)
    gone = [asyncio.create_task(side.run(lambda: 1, soon())) for _ in range(3)]
    kept = asyncio.create_task(side.run(lambda: 2, soon()))
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    go.set()
    assert await held
    assert await kept == 2
    assert await side.run(lambda: 3, soon()) == 3
    side.close()


class Snapshot:
    def size(self) -> int:
        return 3

    def fail(self) -> int:
        raise ValueError("no size")


@pytest.mark.parametrize("fails", [False, True])
async def test_what_work_held_is_freed_when_it_ends(fails: bool) -> None:
    side, snapshot = SideThreads(1), Snapshot()
    gone = weakref.ref(snapshot)
    gc.disable()  # freed, rather than collected
    try:
        if fails:
            with pytest.raises(ValueError, match="no size"):
                await side.run(snapshot.fail, soon())
        else:
            assert await side.run(snapshot.size, soon()) == 3
        del snapshot
        latest = soon(5)
        while gone() is not None and time.monotonic() < latest:
            await asyncio.sleep(0.001)
        assert gone() is None
    finally:
        gc.enable()
    side.close()


async def test_threads_that_cannot_start_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    side = SideThreads(2)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start"):
            await side.run(lambda: 1, soon())
    assert [await side.run(lambda: 2, soon()) for _ in range(3)] == [2, 2, 2]
    side.close()


def test_work_may_end_after_its_event_loop() -> None:
    side, go, begun = SideThreads(1), threading.Event(), threading.Event()
    before = set(threading.enumerate())

    def hold() -> None:
        begun.set()
        assert go.wait(LONG_S)

    async def be_late() -> None:
        with pytest.raises(DeadlineExceeded):
            await side.run(hold, soon(0.02))

    with asyncio.Runner() as runner:
        runner.run(be_late())
    assert begun.wait(LONG_S)
    (thread,) = set(threading.enumerate()) - before
    go.set()
    side.close()
    thread.join(LONG_S)
    assert not thread.is_alive()
