"""The tables of an embedded store: which features each has and where its rows lie.

A table's rows lie in one of two named databases, and its generation says in which: an even one in
slot 0, an odd one in slot 1. A bulk load fills the other slot and then writes the next generation
here, which is what makes the new rows visible. Two names in turn, and not a new name each time,
because a process can open handles of named databases but never give one back.
"""

import json
from dataclasses import dataclass

from featurestore.environment import Environment, View
from featurestore.errors import FeaturesDiffer, StoreCorrupt, StoreUnavailable
from featurestore.tables import TableInfo

__all__ = [
    "Table",
    "change",
    "check_features",
    "check_format",
    "check_name",
    "check_same",
    "describe",
    "find",
    "find_or_make",
    "listing",
    "open_slots",
    "slot",
]

# The format of the whole store is part of this name.
CATALOGUE = b"tables/1"
JOURNAL = b"journal"
SLOT = b"rows/"
MAX_NAME_BYTES = 200


@dataclass(frozen=True, slots=True)
class Table:
    """Features of a table, in the order of its rows, and its generation."""

    features: tuple[str, ...]
    generation: int


def slot(entity_type: str, generation: int) -> bytes:
    """Name of the database that holds the rows of a generation."""
    return b"%s%s/%d" % (SLOT, entity_type.encode(), generation % 2)


def find(view: View, entity_type: str) -> Table | None:
    """Look up the table of an entity type, None when there is none."""
    key = entity_type.encode()
    if not 0 < len(key) <= MAX_NAME_BYTES:
        return None
    record = view.get(CATALOGUE, key)
    return None if record is None else _decode(record)


def listing(view: View) -> dict[str, Table]:
    """Every table, by entity type."""
    with view.txn.cursor(view.database(CATALOGUE)) as cursor:
        return {key.decode(): _decode(record) for key, record in cursor}


def change(view: View, entity_type: str, table: Table) -> None:
    """Write a table's record; both slots exist afterwards."""
    check_name("entity_type", entity_type)
    record = json.dumps({"features": table.features, "generation": table.generation}).encode()
    view.txn.put(entity_type.encode(), record, db=view.database(CATALOGUE))
    for generation in (0, 1):
        view.database(slot(entity_type, generation))


def find_or_make(view: View, entity_type: str, features: tuple[str, ...]) -> tuple[Table, bool]:
    """Look up a table, made if unknown, and whether it was; FeaturesDiffer if it has others."""
    table = find(view, entity_type)
    if table is None:
        table = Table(features, 0)
        change(view, entity_type, table)
        view.txn.drop(view.database(slot(entity_type, 0)), delete=False)
        return table, True
    check_same(features, table.features, entity_type)
    return table, False


def check_same(features: tuple[str, ...], table: tuple[str, ...], entity_type: str) -> None:
    """Raise FeaturesDiffer unless `features` are the table's, in whatever order."""
    if set(table) != set(features):
        raise FeaturesDiffer(
            f"features is {', '.join(features)}; {entity_type!r} has {', '.join(table)}"
        )


def open_slots(view: View, entity_type: str) -> bool:
    """Open what a scan of a table reads; False when there is no such table."""
    known = find(view, entity_type) is not None
    if known:
        view.database(JOURNAL)
        for generation in (0, 1):
            view.database(slot(entity_type, generation))
    return known


def describe(view: View) -> dict[str, TableInfo]:
    """Describe every table, by entity type."""
    tables = {}
    for entity_type, table in listing(view).items():
        stat = view.txn.stat(view.database(slot(entity_type, table.generation)))
        pages = stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
        tables[entity_type] = TableInfo(table.features, stat["entries"], pages * stat["psize"])
    return tables


def check_format(environment: Environment) -> None:
    """Raise unless the environment is a store of this format; make a new one into one."""
    with environment.snapshot() as view:
        names = environment.names(view)
    if names and CATALOGUE not in names:
        raise StoreCorrupt(f"store {environment.path}: holds no {CATALOGUE.decode()!r}")
    if not names:
        _make(environment)
    environment.read(lambda view: [view.database(name) for name in (CATALOGUE, JOURNAL)])


def check_name(field: str, name: str) -> None:
    """Raise a ValueError that names the field unless the name fits into a key."""
    if not 0 < len(name.encode()) <= MAX_NAME_BYTES:
        raise ValueError(f"{field} is {name!r}, must have 1 to {MAX_NAME_BYTES} bytes of UTF-8")


def check_features(features: tuple[str, ...]) -> None:
    """Raise a ValueError unless there is at least one feature and none twice."""
    if not features:
        raise ValueError("features is empty, must name at least one")
    for position, name in enumerate(features):
        check_name(f"features[{position}]", name)
        if name in features[:position]:
            raise ValueError(f"features[{position}] is {name!r} again")


def _make(environment: Environment) -> None:
    if environment.readonly:
        raise StoreUnavailable(f"store {environment.path}: nothing was ever written to it")
    with environment.writing() as view:
        for name in (CATALOGUE, JOURNAL):
            view.database(name)


def _decode(record: bytes) -> Table:
    try:
        fields = json.loads(record)
        return Table(tuple(fields["features"]), int(fields["generation"]))
    except (ValueError, KeyError, TypeError) as error:
        raise StoreCorrupt(f"the catalogue holds {record!r}") from error
