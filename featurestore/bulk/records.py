"""CSV records with the line on which each begins."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TextIO

__all__ = ["Block", "blocks"]

# Of 64 KiB to 4 MiB, 64 KiB parsed fastest, 4 MiB three times slower: rows stay in the cache.
WINDOW = 65_536

_NEVER_CLOSED = "a quote is never closed"
_REASONS = {"unexpected end of data": _NEVER_CLOSED, "field larger": "a field is too long"}


@dataclass(slots=True)
class Block:
    """Some consecutive records of a file.

    Attributes
    ----------
    rows
        The fields of each record that could be parsed; blank lines are left out.
    lines
        The 1-based line on which each of `rows` begins.
    broken
        Line and reason of each record that could not be parsed.
    """

    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    broken: list[tuple[int, str]] = field(default_factory=list)


def blocks(text: TextIO, window: int = WINDOW) -> Iterator[Block]:
    r"""Parse a CSV text block by block.

    A record may span lines (a line end inside quotes). When one can't be parsed, its first line
    is given up and parsing goes on at the line after it, so that a stray quote costs one row and
    not all rows up to the next quote.

    Parameters
    ----------
    text
        Opened with `newline=""`, so that line ends inside quotes are kept.
    window
        About how many characters are parsed at a time.
    """
    lines, first = text.readlines(window), 1
    while lines:
        block = Block()
        begin, error = _parse(lines, first, block)
        more = text.readlines(window)
        if error and not more:
            block.broken.append((first + begin, error))
            begin += 1
        yield block
        lines, first = lines[begin:] + more, first + begin


def _parse(lines: list[str], first: int, block: Block) -> tuple[int, str]:
    """Parse what is whole in `lines` and return the index of the first line that is left.

    An error comes with it when the record that begins there might be whole with more lines.
    """
    begin = 0
    while begin < len(lines):
        offset = begin
        reader = csv.reader(islice(lines, offset, None), strict=True)
        try:
            for row in reader:
                if row:
                    block.rows.append(row)
                    block.lines.append(first + begin)
                begin = offset + reader.line_num
        except csv.Error as error:
            if offset + reader.line_num == len(lines):
                return begin, _reason(error)
            block.broken.append((first + begin, _reason(error)))
            begin += 1
    return begin, ""


def _reason(error: csv.Error) -> str:
    message = str(error)
    known = (reason for start, reason in _REASONS.items() if message.startswith(start))
    return next(known, f"malformed CSV: {message}")
