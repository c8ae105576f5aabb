"""Bulk load: rows of any form out of files, into the table of an entity type."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from itertools import compress
from typing import Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from featurestore.bulk.form import COUNTS, EVENTS, Fault, FloatArray, Layout, Prior
from featurestore.bulk.source import BadRow, Piece, Source, readable

__all__ = ["BATCH", "FEATURES", "Load", "RefusedError", "Report", "Target", "Writer", "run"]

FEATURES = ("alpha", "beta")
BATCH = 50_000

Rows: TypeAlias = tuple[list[str], FloatArray]


class Writer(Protocol):
    """Where rows go."""

    def write(self, ids: Sequence[str], values: FloatArray) -> None:
        """Write rows: n ids, float64[n, 2] of alpha and beta.

        The ids differ, and the values are what arms have from now on; or, in a load that adds,
        ids may repeat, and the values are what is added.
        """


@dataclass(frozen=True, slots=True)
class Target:
    """A place to write to.

    Attributes
    ----------
    open
        Gives the writer of one load.
    atomic
        Whether all batches become visible together, in place of what was there before, and none
        does when there was an exception.
    """

    open: Callable[[], AbstractContextManager[Writer]]
    atomic: bool


@dataclass(slots=True)
class Report:
    """What became of the rows, kept up to date while they are loaded.

    Attributes
    ----------
    read
        Rows seen, good and bad.
    bad
        Rows left out, by reason.
    written, batches
        Rows that the writer has taken, and in how many calls; an id of several rows in one batch
        counts once, unless rows are added.
    repeated
        Good rows that a later row of the same id took the place of; known at the end.
    """

    read: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    written: int = 0
    batches: int = 0
    repeated: int = 0

    @property
    def good(self) -> int:
        """Rows that were not left out."""
        return self.read - self.bad.total()

    def lines(self) -> list[str]:
        """Say what became of the rows."""
        said = [f"{self.read:,} rows read, {self.bad.total():,} bad"]
        said += [f"  {count:,} {reason}" for reason, count in self.bad.most_common()]
        if self.repeated:
            said.append(f"{self.repeated:,} good rows gave way to a later row of the same id")
        return said


def _ignore(_: object) -> None:
    """Tell nobody."""


class RefusedError(Exception):
    """Nothing was written on account of the rows: a bad one in a strict load, or no good one."""


@dataclass(frozen=True, slots=True)
class Load:
    """One load: what is read, how, and who is told.

    Attributes
    ----------
    sources
        Each has the columns of `layout`.
    layout
        Form and columns.
    prior
        What counts and events are added to, unless they are added to what arms have.
    batch
        The most rows written at a time.
    strict
        Whether one bad row keeps all rows out.
    add
        Whether counts and events are added to what arms have, and the prior left to the writer.
    on_bad
        Told of the bad rows of every piece, in the order of the file.
    on_progress
        Told how many more bytes have been read.
    """

    sources: Sequence[Source]
    layout: Layout
    prior: Prior
    batch: int = BATCH
    strict: bool = False
    add: bool = False
    on_bad: Callable[[list[BadRow]], object] = _ignore
    on_progress: Callable[[int], object] = _ignore

    def passes(self, target: Target) -> int:
        """How many times the sources are read: twice where a write can't be undone."""
        return 2 if self.strict and not target.atomic and self.layout.form is not EVENTS else 1

    def values(self, successes: FloatArray, trials: FloatArray) -> FloatArray:
        """Return what the writer gets for `successes` among `trials`, as float64[n, 2]."""
        if self.add:
            return np.column_stack((successes, trials - successes))
        return self.prior.updated(successes, trials)


def run(load: Load, target: Target, report: Report) -> None:
    """Load the sources into the target and fill in the report.

    Posteriors and counts are written batch by batch as they are read, the last row of an id
    winning unless rows are added; events are added up over all sources first.

    Raises
    ------
    SourceError
        When a source can't be read (further). Batches before stay written, unless the target is
        atomic.
    RefusedError
        When the load is strict and there is a bad row, or the target is atomic and there is no
        good one. Nothing is written then.
    """
    if load.layout.form is EVENTS:
        arms = _tally(load, report)
        _refuse(load, target, report)
        with target.open() as writer:
            _write([arms], writer, load, report)
        return
    if load.passes(target) == 2:
        for _ in _rows(load, report):
            pass
        _refuse(load, target, report)
        report.read = 0
    with target.open() as writer:
        _copy(load, writer, report)
        _refuse(load, target, report)


def _refuse(load: Load, target: Target, report: Report) -> None:
    """Raise when these rows may not go in; inside an atomic target that undoes the writes."""
    if load.strict and report.bad:
        raise RefusedError("a strict load takes no bad row, so nothing was loaded")
    if target.atomic and not report.good:
        raise RefusedError("there is no good row, so the table was left as it was")


def _copy(load: Load, writer: Writer, report: Report) -> None:
    """Write the rows as they come, and count those that a later one took the place of."""
    if load.add:
        _write(_rows(load, report), writer, load, report)
        return
    # 64 bits of hash per row rather than the ids: 80 MB for 10 million, where two different ids
    # meet with a probability of 3e-6.
    hashes = [np.empty(0, np.int64)]

    def noted() -> Iterator[Rows]:
        for ids, values in _rows(load, report):
            hashes.append(np.fromiter(map(hash, ids), np.int64, len(ids)))
            yield ids, values

    _write(noted(), writer, load, report)
    seen = np.concatenate(hashes)
    report.repeated = len(seen) - len(np.unique(seen))


def _tally(load: Load, report: Report) -> Rows:
    """Add events up to one row per id."""
    trials: Counter[str] = Counter()
    successes: Counter[str] = Counter()
    for ids, rewards in _rows(load, report):
        trials.update(ids)
        successes.update(compress(ids, rewards[:, 0].tolist()))
    tried = np.fromiter(trials.values(), np.float64, len(trials))
    succeeded = np.fromiter(map(successes.__getitem__, trials), np.float64, len(trials))
    return list(trials), load.values(succeeded, tried)


def _write(rows: Iterable[Rows], writer: Writer, load: Load, report: Report) -> None:
    """Write in batches of `load.batch` rows, and of what remains."""
    write, batch = partial(_write_batch, writer, load, report), load.batch
    pending: list[str] = []
    values: list[FloatArray] = []
    for more_ids, more_values in rows:
        pending += more_ids
        values.append(more_values)
        if len(pending) >= batch:
            whole = len(pending) - len(pending) % batch
            matrix = np.concatenate(values)
            for begin in range(0, whole, batch):
                end = begin + batch
                write(pending[begin:end], matrix[begin:end])
            pending, values = pending[whole:], [matrix[whole:]]
    if pending:
        write(pending, np.concatenate(values))


def _write_batch(
    writer: Writer, load: Load, report: Report, ids: list[str], values: FloatArray
) -> None:
    """Write the last row of each id, or add all rows."""
    last = dict(zip(ids, range(len(ids)), strict=True))
    if len(last) < len(ids) and not load.add:
        ids, values = list(last), values[list(last.values())]
    writer.write(ids, values)
    report.written += len(ids)
    report.batches += 1


def _rows(load: Load, report: Report) -> Iterator[Rows]:
    """Read the good rows of all sources: alpha and beta, or the reward where rows are events."""
    for source in load.sources:
        done = 0
        for piece in source.pieces(load.layout.positions(source)):
            yield _sift(load, source, piece, report)
            load.on_progress(source.position - done)
            done = source.position
        load.on_progress(source.position - done)


def _sift(load: Load, source: Source, piece: Piece, report: Report) -> Rows:
    """Take the good rows out of a piece and report the bad ones."""
    ids = cast("list[str]", piece.columns[0])
    values, faults = load.layout.form.parse(piece.columns)
    report.read += len(ids) + len(piece.broken)
    bad = piece.broken
    if any(fault.rows.any() for fault in faults):
        verdicts = _verdicts(faults)
        bad = bad + [
            _bad_row(load, source, piece, faults[verdicts[row]], int(row))
            for row in np.flatnonzero(verdicts >= 0)
        ]
        good = verdicts < 0
        ids, values = list(compress(ids, good.tolist())), values[good]
    if bad:
        report.bad.update(row.reason for row in bad)
        load.on_bad(sorted(bad, key=lambda row: row.line))
    if load.layout.form is COUNTS:
        values = load.values(values[:, 0], values[:, 1])
    return ids, values


def _verdicts(faults: list[Fault]) -> NDArray[np.intp]:
    """Which fault is the first of each row, -1 for none."""
    wrong = np.array([fault.rows for fault in faults])
    return np.where(wrong.any(axis=0), wrong.argmax(axis=0), -1)


def _bad_row(load: Load, source: Source, piece: Piece, fault: Fault, row: int) -> BadRow:
    value = readable(str(piece.columns[fault.column][row]))
    column = load.layout.columns[fault.column]
    return BadRow(source.name, int(piece.lines[row]), column, value, fault.reason)
