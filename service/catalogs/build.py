"""A catalogue's columns out of its rows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandit.arms import Arms
from bandit.posterior import Column, posterior
from service.catalogs.rows import Rows
from service.catalogs.settings import CatalogSettings
from service.catalogs.text import Text
from service.request import MAX_ID_BYTES

__all__ = ["Built", "NoArms", "build"]

MOST_BITS = 2.0**53

Lanes = NDArray[np.uint64]


class NoArms(Exception):
    """There is no row that makes an arm; the message says what became of those that there were."""


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """The columns of a snapshot, by ascending lane.

    Attributes
    ----------
    ids : Text
        The candidates' ids.
    missing : int
        Arms for which the prior stands in.
    oddities : dict of str to int
        Rows by what was odd about them: `broken` (no id of 1 to 256 bytes) and `affix`
        (an id without what the model's template puts around a candidate) were left out, `repeated`
        ones gave way to a later row of the same id, of those in `tags` the bits that no tag is
        declared for were left out.
    """

    version: str
    arms: Arms
    ids: Text
    missing: int
    oddities: dict[str, int]


@dataclass(slots=True)
class _Parts:
    """Columns so far, in pieces, in the order of the rows."""

    lanes: list[NDArray[np.uint64]] = field(default_factory=list)
    fingerprints: list[NDArray[np.uint64]] = field(default_factory=list)
    alpha: list[Column] = field(default_factory=list)
    beta: list[Column] = field(default_factory=list)
    unfit: list[NDArray[np.bool_]] = field(default_factory=list)
    tags: list[NDArray[np.uint64]] = field(default_factory=list)
    ids: list[Text] = field(default_factory=list)


def build(
    catalog: CatalogSettings,
    batches: Iterable[Rows],
    on_progress: Callable[[int, float | None], object] = lambda *_: None,
) -> Built:
    """Make the columns, which don't depend on the order of the rows unless ids are repeated.

    Parameters
    ----------
    catalog : CatalogSettings
        Says which prior, precision, affixes and tags.
    batches : iterable of Rows
        All rows.
    on_progress : callable
        Told after each batch how many arms there are so far, and the share of the rows read.

    Raises
    ------
    NoArms
        No row makes an arm.
    """
    parts, count = _Parts(), 0
    oddities = dict.fromkeys(("broken", "affix", "repeated", "tags"), 0)
    for rows in batches:
        count += _add(parts, catalog, rows, oddities)
        on_progress(count, rows.share)
    if not count:
        raise NoArms(f"no row makes an arm; {oddities['broken']:,} broken, " + _no_affix(oddities))
    return _sorted(parts, oddities)


def _no_affix(oddities: dict[str, int]) -> str:
    return f"{oddities['affix']:,} of an id that the model's template doesn't give"


def _add(parts: _Parts, catalog: CatalogSettings, rows: Rows, oddities: dict[str, int]) -> int:
    model = catalog.model
    rows, text = _stripped(catalog, rows, oddities)
    found = np.all((rows.values > 0) & (rows.values < np.inf), axis=1)
    alpha, beta = posterior(rows.values, found, model.prior, model.precision)
    parts.ids.append(text)
    parts.lanes.append(rows.ids.hashes.copy())
    parts.fingerprints.append(rows.ids.fingerprints.copy())
    parts.alpha.append(alpha)
    parts.beta.append(beta)
    parts.unfit.append(~found)
    oddities["broken"] += rows.broken
    if rows.tags is not None:
        bits, wrong = _bits(rows.tags, len(catalog.tags))
        parts.tags.append(bits)
        oddities["tags"] += wrong
    return len(text)


def _stripped(catalog: CatalogSettings, rows: Rows, oddities: dict[str, int]) -> tuple[Rows, Text]:
    """Return the rows of candidates, by the candidates' ids, and these as text."""
    text = Text.of(rows.ids)
    prefix, suffix = (affix.encode() for affix in catalog.model.entity.affixes({}))
    fitting = text.fits(prefix, suffix)
    lengths = np.diff(text.ends) - (len(prefix) + len(suffix))
    kept = np.flatnonzero(fitting & (lengths >= 1) & (lengths <= MAX_ID_BYTES))
    if len(kept) == len(text) and not prefix and not suffix:
        return rows, text
    affix = len(text) - int(np.count_nonzero(fitting))
    oddities["affix"] += affix
    broken = rows.broken + len(text) - affix - len(kept)
    text = text.take(kept).between(prefix, suffix)
    tags = None if rows.tags is None else rows.tags[kept]
    return Rows(text.ids(), rows.values[kept], tags, broken, rows.share), text


def _bits(tags: NDArray[np.float64], declared: int) -> tuple[NDArray[np.uint64], int]:
    """Return the bits of declared tags, and of how many rows there were others, or none at all."""
    whole = (tags >= 0) & (tags < MOST_BITS) & (tags == np.floor(tags))
    found = np.where(whole, tags, 0).astype(np.uint64)
    bits = found & np.uint64((1 << declared) - 1)
    return bits, int(np.count_nonzero(~whole | (bits != found)))


def _sorted(parts: _Parts, oddities: dict[str, int]) -> Built:
    rows, lanes, fingerprints = _order(_whole(parts.lanes), _whole(parts.fingerprints))
    last = _last(lanes, fingerprints)
    oddities["repeated"] = len(rows) - int(np.count_nonzero(last))
    order = rows[last]
    del rows, fingerprints  # 16 bytes an arm
    arms = Arms(
        alpha=_whole(parts.alpha)[order],
        beta=_whole(parts.beta)[order],
        lanes=lanes[last],
        tags=_whole(parts.tags)[order] if parts.tags else None,
    )
    missing = int(np.count_nonzero(_whole(parts.unfit)[order]))
    ids = Text.joined(parts.ids).take(order)
    return Built(_version(arms, ids), arms, ids, missing, oddities)


def _order(lanes: Lanes, fingerprints: Lanes) -> tuple[NDArray[np.int64], Lanes, Lanes]:
    """Sort by lane, ids of one lane by their other half, and rows of one id as they came."""
    order: NDArray[np.int64] = np.lexsort((fingerprints, lanes))
    lanes = lanes[order]  # one after the other, so that each lets go of what it replaces
    fingerprints = fingerprints[order]
    return order, lanes, fingerprints


def _last(lanes: Lanes, fingerprints: Lanes) -> NDArray[np.bool_]:
    """Return which of the sorted rows are the last of their ids."""
    last = np.ones(len(lanes), np.bool_)
    last[:-1] = (lanes[1:] != lanes[:-1]) | (fingerprints[1:] != fingerprints[:-1])
    return last


def _whole(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Return a column of which the parts are let go."""
    whole = np.concatenate(parts)
    parts.clear()
    return whole


def _version(arms: Arms, ids: Text) -> str:
    """Return 64 bits of BLAKE2b of all columns, in hexadecimal digits."""
    columns = (ids.ends, ids.data, arms.alpha, arms.beta, arms.tags)
    total = blake2b(digest_size=8, person=b"catalogue")
    for column in columns:
        if column is not None:
            total.update(column.dtype.str.encode())
            total.update(np.ascontiguousarray(column).data)
    return total.hexdigest()
