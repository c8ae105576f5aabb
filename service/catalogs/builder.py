"""The process that makes a snapshot: `python -m service.catalogs.builder`, as `aside.py` has it.

It gets its order on standard input, says on standard output how far it is, one JSON object a line,
and ends when its standard input does, which a worker that dies closes.
"""

import logging.config
import os
import pickle
import signal
import sys
import threading
import time

from service.catalogs.order import Order, Outcome, Said
from service.logs import log_config

__all__ = ["main"]

TOLD_S = 0.25


def main() -> None:
    """Do what the order says."""
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the launcher
        signal.signal(number, signal.SIG_IGN)
    order: Order = pickle.load(sys.stdin.buffer)  # noqa: S301  # from the worker that started it
    threading.Thread(target=_end_with_worker, daemon=True).start()
    logging.config.dictConfig(log_config(order.settings.server.log_level))
    try:
        _say(Said(outcome=_made(order)))
    except Exception as error:  # it is the worker's to log
        _say(Said(failed=_message(error, order)))


def _made(order: Order) -> Outcome:
    from service.catalogs.build import build
    from service.catalogs.file import file_name, write_arms
    from service.catalogs.rows import read_rows

    began, catalog = time.time(), order.settings.catalogs[order.catalog]
    built = build(catalog, read_rows(order.settings, catalog), _Progress())
    order.folder.mkdir(parents=True, exist_ok=True)
    path = order.folder / file_name(built.version)
    size = 0 if path.exists() else write_arms(path, built, began)
    return Outcome(built.version, began, len(built.arms), size, built.missing, built.oddities)


class _Progress:
    """Tells how far the reading is, a few times a second."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, arms: int, share: float | None) -> None:
        if time.monotonic() >= self._next:
            _say(Said(arms=arms, share=share))
            self._next = time.monotonic() + TOLD_S


def _message(error: Exception, order: Order) -> str:
    from featurestore import StoreError
    from featurestore.bulk import SourceError
    from service.catalogs.build import NoArms

    if isinstance(error, OSError) and error.filename is None:  # of a write, as on a full disk
        return f"{order.folder}: {error}"
    known = isinstance(error, StoreError | SourceError | NoArms | OSError)
    return str(error) if known else repr(error)


def _say(said: Said) -> None:
    sys.stdout.buffer.write(said.line())
    sys.stdout.buffer.flush()


def _end_with_worker() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    main()
