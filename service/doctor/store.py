"""The configured store: whether it answers, how soon, and has what the models need."""

import asyncio
import time
from collections.abc import Iterator

from bandit import Models
from featurestore import StoreError
from service.config import Settings
from service.doctor.section import Section
from service.stores.choice import StoreChoice
from service.stores.listing import Listing, listed
from service.stores.opening import name_of, open_features
from service.stores.probe import needed_by, probe

__all__ = ["store"]

ANSWER_S = 3.0


def store(settings: Settings) -> Section:
    """Ask the store as the service does, for 3 seconds at most, then for its tables."""
    place = name_of(settings, StoreChoice())
    section = Section("store", {"kind": settings.store.kind.value, "place": place})
    section.facts["answers"] = True
    try:
        first, second = asyncio.run(_asked(settings))
        section.facts["first answer ms"] = round(first * 1000, 2)
        section.facts["answer ms"] = round(second * 1000, 2)
    except StoreError as error:
        section.facts["answers"] = False
        section.problems.append(str(error))
        return section
    tables = listed(settings, ANSWER_S)
    section.facts["tables"] = "not listed" if tables is None else _named(tables)
    section.problems += _lacking(settings.models, tables or {}) if tables is not None else []
    return section


async def _asked(settings: Settings) -> tuple[float, float]:
    """Return the seconds of a first answer, with connecting, and of a second."""
    needed = needed_by(settings.models)
    opened = open_features(settings, StoreChoice())
    try:
        times = [time.monotonic()]
        for _ in range(2):
            async with asyncio.timeout(ANSWER_S + 1):
                await probe(opened, needed, time.monotonic() + ANSWER_S)
            times.append(time.monotonic())
    except TimeoutError as error:
        raise StoreError(f"no answer within {ANSWER_S:g} s") from error
    finally:
        await opened.close()
    return times[1] - times[0], times[2] - times[1]


def _named(tables: Listing) -> object:
    return {name: list(features) for name, features in tables.items()} or "none"


def _lacking(models: Models, tables: Listing) -> Iterator[str]:
    for model in models.by_name.values():
        if model.entity_type not in tables:
            yield (
                f"models.{model.name} reads the table {model.entity_type!r}, which is not there: "
                "every candidate gets the prior"
            )
