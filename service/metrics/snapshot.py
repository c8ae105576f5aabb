"""A worker's figures at one instant, as bytes that another worker reads."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from featurestore import Histogram, Kind, Measurement

__all__ = ["Snapshot", "Unreadable", "decode", "decode_sum", "encode", "encode_sum"]


class Unreadable(Exception):
    """The bytes are no snapshot."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Figures of a worker, which its pid and its start (ticks since the machine's) identify."""

    pid: int
    started: int
    measurements: list[Measurement]


def encode(pid: int, started: int, measurements: Iterable[Measurement]) -> bytes:
    """Return the bytes: JSON, in which a figure that isn't finite is null."""
    return _dumped(pid, started, measurements)


def encode_sum(names: Iterable[str], measurements: Iterable[Measurement]) -> bytes:
    """Return the bytes of what the snapshots of these names, and others, come to together."""
    return _dumped(0, list(names), measurements)


def decode(data: bytes) -> Snapshot:
    """Return the snapshot, without its figures that are null.

    Raises
    ------
    Unreadable
        The bytes are damaged, or were never a snapshot.
    """
    try:
        pid, started, figures = orjson.loads(data)
        _expect(type(pid) is type(started) is int)
        return Snapshot(pid, started, _figures(figures))
    except (ValueError, TypeError, LookupError) as error:
        raise Unreadable(str(error)) from error


def decode_sum(data: bytes) -> tuple[set[str], list[Measurement]]:
    """Return the names and the figures of `encode_sum`; Unreadable as `decode`."""
    try:
        _, names, figures = orjson.loads(data)
        _expect(isinstance(names, list) and all(type(name) is str for name in names))
        return set(names), _figures(figures)
    except (ValueError, TypeError, LookupError) as error:
        raise Unreadable(str(error)) from error


def _dumped(pid: int, started: object, measurements: Iterable[Measurement]) -> bytes:
    figures = [(m.name, m.kind, m.help, _plain(m.value), m.labels) for m in measurements]
    return orjson.dumps((pid, started, figures), option=orjson.OPT_SERIALIZE_NUMPY)


def _figures(figures: list[list[Any]]) -> list[Measurement]:
    return [_figure(*f) for f in figures if f[3] is not None]


def _plain(value: float | Histogram) -> object:
    if isinstance(value, Histogram):
        return value.bounds, value.counts, value.sum
    return value


def _figure(
    name: str, kind: str, about: str, value: object, labels: list[list[str]]
) -> Measurement:
    pairs = tuple((label, text) for label, text in labels)
    texts = (name, about, *(text for pair in pairs for text in pair))
    _expect(all(type(text) is str for text in texts))
    sort = Kind(kind)
    _expect(isinstance(value, list) == (sort is Kind.HISTOGRAM))
    return Measurement(name, sort, about, _value(value), pairs)


def _value(value: object) -> float | Histogram:
    if isinstance(value, list):
        bounds, counts, total = value
        made = Histogram(bounds)
        _expect(len(counts) == len(made.counts) and all(type(count) is int for count in counts))
        made.counts, made.sum = counts, _number(total)
        return made
    return _number(value)


def _number(value: object) -> float:
    _expect(type(value) is int or type(value) is float)
    return value  # type: ignore[return-value]


def _expect(condition: bool) -> None:
    if not condition:
        raise TypeError("a part of it is of another type")
