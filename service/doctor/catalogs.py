"""The declared catalogues: where each is read from, and whether it can be."""

from collections.abc import Iterator
from pathlib import Path

from service.catalogs.rows import file_problem, table_problem
from service.catalogs.settings import CatalogSettings
from service.config import Settings
from service.doctor.section import Section
from service.stores.choice import StoreChoice
from service.stores.listing import listed
from service.stores.opening import name_of

__all__ = ["declared_catalogs"]

ANSWER_S = 3.0


def declared_catalogs(settings: Settings) -> Section:
    """Look at the heads of files, and at the tables of a store that lists them in 3 seconds."""
    facts: dict[str, object] = {
        name: {
            "model": catalog.model.name,
            "source": catalog.path or f"table {catalog.model.entity_type}",
            "tags": list(catalog.tags),
            "refresh_s": catalog.refresh_s,
        }
        for name, catalog in settings.catalogs.items()
    }
    declared = settings.catalogs.values()
    of_files = [catalog for catalog in declared if catalog.path]
    of_tables = [catalog for catalog in declared if not catalog.path]
    problems = [*_of_files(of_files), *_of_tables(settings, of_tables)]
    return Section("catalogues", facts or {"declared": 0}, problems)


def _of_files(catalogs: list[CatalogSettings]) -> Iterator[str]:
    for catalog in catalogs:
        if not Path(catalog.path).is_file():
            yield f"catalogs.{catalog.name}.path is {catalog.path!r}, which is no file"
        elif problem := file_problem(catalog):
            yield f"catalogs.{catalog.name}.path: {problem}"


def _of_tables(settings: Settings, catalogs: list[CatalogSettings]) -> Iterator[str]:
    """Say nothing where the store can't be asked, which is a problem of the store's."""
    tables = listed(settings, ANSWER_S) if catalogs else None
    place = name_of(settings, StoreChoice())
    for catalog in catalogs if tables is not None else ():
        if problem := table_problem(catalog, tables or {}, place):
            yield f"catalogs.{catalog.name}: {problem}"
