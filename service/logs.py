"""Structured logs: one JSON object a line, on standard error."""

import logging
import os
import queue
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

import orjson

__all__ = ["BackgroundHandler", "FloodGate", "JsonFormatter", "log_config"]

LINES_A_SECOND = 10
MAX_WAITING = 1000
FLUSH_S = 1.0

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """Formats a record and its extra fields as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
        }
        line.update({k: v for k, v in vars(record).items() if k not in _STANDARD})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class FloodGate(logging.Filter):
    """Lets at most 10 lines a second of a kind pass; the next of the kind says how many it kept.

    A kind is a logger and, of its lines, a problem's class or else the text before its arguments
    are put in. What is kept back is counted all the same, by who logs it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[tuple[str, str], list[int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record passes."""
        kind = record.name, str(getattr(record, "problem", record.msg))
        second = int(record.created)
        state = self._kinds.setdefault(kind, [second, 0, 0])
        if state[0] != second:
            state[:2] = second, 0
        state[1] += 1
        if state[1] > LINES_A_SECOND:
            state[2] += 1
            return False
        if state[2]:
            record.lines_kept_back = state[2]
            state[2] = 0
        return True


class BackgroundHandler(logging.Handler):
    """Writes lines to standard error from a thread: a reader who is stuck stops no request.

    When 1,000 lines wait, further ones are dropped, and the next that isn't says how many were.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: queue.Queue[str] = queue.Queue(MAX_WAITING)
        self._dropped = 0
        threading.Thread(target=self._write, name="logs", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record's line to the thread."""
        if self._dropped:
            record.lines_dropped = self._dropped
        try:
            self._lines.put_nowait(self.format(record))
            self._dropped = 0
        except queue.Full:
            self._dropped += 1

    def flush(self) -> None:
        """Wait until all lines are written, for a second at most."""
        deadline = time.monotonic() + FLUSH_S
        while self._lines.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.001)

    def _write(self) -> None:
        # Past sys.stderr, whose lock a thread that is stuck would hold at the interpreter's end.
        stream = sys.stderr.fileno()
        while True:
            line = self._lines.get().encode() + b"\n"
            while line:
                line = line[os.write(stream, line) :]
            self._lines.task_done()


def log_config(level: str) -> dict[str, Any]:
    """Return the configuration for logging.config.dictConfig, for this process and its workers."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "filters": {"floods": {"()": FloodGate}},
        "handlers": {
            "stderr": {
                "()": BackgroundHandler,
                "formatter": "json",
                "filters": ["floods"],
            }
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {"bandit_serve": {"level": level.upper()}, "_granian": {}},
    }
