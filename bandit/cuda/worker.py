"""The thread that launches: what waits for the same arms goes in one launch."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from bandit.cuda.launcher import BATCH, Launcher
from bandit.cuda.requests import Best, Draw, DrawResident, Job
from bandit.cuda.unavailable import GpuUnavailable, translated

__all__ = ["Worker"]


class Worker:
    """Takes requests of any thread and answers them in launches of its own.

    While one launch runs, requests gather for the next. After a failure other than a lack of memory
    the device's state is unknown, and every further request is refused.
    """

    def __init__(self, launcher_of: Callable[[], Launcher]) -> None:
        self._launcher_of = launcher_of
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._waiting: list[Job] = []
        self._ended = False
        self._broken: GpuUnavailable | None = None
        self._thread = threading.Thread(target=self._serve, name="bandit-cuda", daemon=True)
        self._thread.start()

    def ask(self, asked: Best | Draw | DrawResident) -> "Future[Any]":
        """Return where the answer will be, or the `GpuUnavailable` that kept it from coming."""
        job = Job(asked)
        self._queue.put(job)
        return job.answer

    def give_up(self, reason: GpuUnavailable) -> None:
        """Refuse what is asked from now on."""
        self._broken = reason

    def refuse_if_broken(self) -> None:
        """Raise what broke the device, if anything did."""
        if self._broken is not None:
            raise GpuUnavailable(str(self._broken)) from self._broken

    def close(self) -> None:
        """Answer what was asked and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        launcher: Launcher | None = None
        while self._gather():
            jobs = self._next()
            try:
                self.refuse_if_broken()
                with translated("a launch failed"):
                    launcher = launcher or self._launcher_of()
                    answers = _answers(launcher, jobs)
            except GpuUnavailable as error:
                if error.lasting:
                    self.give_up(error)
                for job in jobs:
                    job.answer.set_exception(error)
            else:
                for job, answer in zip(jobs, answers, strict=True):
                    job.answer.set_result(answer)

    def _gather(self) -> bool:
        """Take all that was asked, waiting for the first; False at the end."""
        while not self._ended and (not self._waiting or not self._queue.empty()):
            job = self._queue.get()
            if job is None:
                self._ended = True
            else:
                self._waiting.append(job)
        return bool(self._waiting)

    def _next(self) -> list[Job]:
        """Return the job that waits longest and those that share its launch."""
        first = self._waiting[0].asked
        shared = [j for j in self._waiting if j.asked is first or _share(first, j.asked)][:BATCH]
        self._waiting = [j for j in self._waiting if j not in shared]
        return shared


def _share(one: Best | Draw | DrawResident, other: Best | Draw | DrawResident) -> bool:
    if not isinstance(one, Best) or not isinstance(other, Best):
        return False
    return one.columns is other.columns and one.fast == other.fast


def _answers(launcher: Launcher, jobs: list[Job]) -> list[Any]:
    first = jobs[0].asked
    if not isinstance(first, Best):
        return [launcher.draw(first)]
    return launcher.best([job.asked for job in jobs if isinstance(job.asked, Best)])
