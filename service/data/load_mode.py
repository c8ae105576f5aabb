"""What a load does to the arms that are there already."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from featurestore import StoreError, Tables
from featurestore.bulk import FEATURES, Prior, Report, SourceError, Target
from service.stores.opening import replacing

__all__ = ["LoadMode", "target_of", "written_before"]


class LoadMode(StrEnum):
    """How rows are brought in."""

    UPSERT = "upsert"
    REPLACE = "replace"
    ADD = "add"


@dataclass(frozen=True, slots=True)
class Upserts:
    """Writes each batch into the table as it comes."""

    store: Tables
    entity_type: str

    def write(self, ids: Sequence[str], values: NDArray[np.float64]) -> None:
        """Insert or overwrite these rows."""
        self.store.write(self.entity_type, ids, FEATURES, values)


@dataclass(frozen=True, slots=True)
class Additions:
    """Adds each batch to what is in the table."""

    store: Tables
    entity_type: str
    prior: Prior

    def write(self, ids: Sequence[str], values: NDArray[np.float64]) -> None:
        """Add to these rows; one that is not there begins with the prior."""
        start = self.prior.alpha, self.prior.beta
        self.store.increment(self.entity_type, ids, FEATURES, values, start)


def target_of(mode: LoadMode, store: Tables, entity_type: str, prior: Prior) -> Target:
    """Where the rows of a load go."""
    if mode is LoadMode.REPLACE:
        return Target(lambda: replacing(store, entity_type, FEATURES), atomic=True)
    writer = (
        Additions(store, entity_type, prior)
        if mode is LoadMode.ADD
        else Upserts(store, entity_type)
    )
    return Target(lambda: nullcontext(writer), atomic=False)


def written_before(
    error: BaseException, report: Report, mode: LoadMode, transactional: bool
) -> str:
    """Say what of a load that failed is in the store nevertheless."""
    if mode is LoadMode.REPLACE:
        return "0 rows were written before that"
    sent = not isinstance(error, SourceError | ValueError)
    known = not sent or (transactional and isinstance(error, StoreError))
    verb = "written" if mode is LoadMode.UPSERT else "added"
    batches = "1 batch" if report.batches == 1 else f"{report.batches:,} batches"
    said = f"{report.written:,} rows were {verb} before that, in {batches}"
    said += "" if known else ", and perhaps rows of one more"
    twice = mode is LoadMode.ADD and (report.written or not known)
    return f"{said}; loading the same files again adds them again" if twice else said
