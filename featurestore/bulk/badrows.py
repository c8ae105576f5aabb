"""Bad rows, kept for whoever has to mend them."""

import csv
import os
from typing import IO

from featurestore.bulk.source import BadRow

__all__ = ["BadRowLog"]

KEPT = 20
COLUMNS = ("file", "line", "column", "value", "reason")


class BadRowLog:
    """Writes bad rows to a CSV file when there is one, and keeps the first twenty.

    Parameters
    ----------
    file
        Gets a header and a line per bad row; None for no file.
    """

    def __init__(self, file: IO[str] | None = None) -> None:
        self.first: list[BadRow] = []
        self._writer = csv.writer(file, lineterminator="\n") if file else None
        self._write(COLUMNS)

    def add(self, rows: list[BadRow]) -> None:
        """Take in more bad rows."""
        for row in rows:
            self._write((_name(row), row.line, row.column, row.value, row.reason))
        self.first += rows[: KEPT - len(self.first)]

    def lines(self, total: int) -> list[str]:
        """Lines of text on the first of `total` bad rows; none when there is a file for them."""
        more = total - len(self.first)
        rest = [f"... and {more:,} more; --errors FILE lists them all"] if more > 0 else []
        return [] if self._writer else [_line(row) for row in self.first] + rest

    def _write(self, fields: tuple[object, ...]) -> None:
        if self._writer:
            self._writer.writerow(fields)


def _line(row: BadRow) -> str:
    what = f'{row.column} is "{row.value}"' if row.column else row.value
    return f"{_name(row)}:{row.line}: {row.reason}" + (f": {what}" if what else "")


def _name(row: BadRow) -> str:
    return os.fsencode(row.file).decode(errors="backslashreplace")
