"""One calibration for all workers of a node: the first measures, the others take it over."""

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import orjson

from bandit.crossovers import Crossover, Crossovers
from service.sampling.calibration import Calibration

__all__ = ["of_node"]

log = logging.getLogger("bandit_serve.sampler")

LOCK = "calibration.lock"
WAIT_S = 10.0
POLL_S = 0.02


def of_node(
    folder: Path | None, name: str, measure: Callable[[], Calibration]
) -> tuple[Calibration, bool]:
    """Return the node's calibration, and whether it was measured now.

    Parameters
    ----------
    folder : Path or None
        Shared by the workers; None: this worker is the only one.
    name : str
        Of what is calibrated: workers in which the GPU works measure apart from those where not.
    measure : function
        Called in one worker at a time.
    """
    if folder is None:
        return measure(), True
    try:
        with _locked(folder / LOCK):
            return _found_or_made(folder / f"{name}.calibration", measure)
    except OSError as error:
        log.warning("the calibration can't be shared with the other workers: %s", error)
        return measure(), True


def _found_or_made(path: Path, measure: Callable[[], Calibration]) -> tuple[Calibration, bool]:
    found = _decoded(path)
    if found is not None:
        return found, False
    made = measure()
    aside = path.with_suffix(".new")
    aside.write_bytes(orjson.dumps(asdict(made)))
    aside.replace(path)
    return made, True


def _decoded(path: Path) -> Calibration | None:
    """Return what a worker measured before, unless there is none or it is damaged."""
    try:
        fields = orjson.loads(path.read_bytes())
        crossovers = fields["crossovers"]
        top_k, lists = (Crossover(**crossovers[name]) for name in ("top_k", "lists"))
        both = Crossovers(top_k, lists, crossovers["measured"])
        return Calibration(both, tuple(fields["notes"]), fields["seconds"])
    except (FileNotFoundError, ValueError, TypeError, LookupError):
        return None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Be the only worker in the block; TimeoutError, an OSError, when another is in it for long."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(file)
        yield
    finally:
        os.close(file)


def _lock(file: int) -> None:
    end = time.monotonic() + WAIT_S
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise TimeoutError(f"another worker measures for over {WAIT_S:.0f} s") from None
            time.sleep(POLL_S)
