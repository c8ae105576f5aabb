"""`bandit-serve export`."""

from collections.abc import Callable

import click

from featurestore import TableInfo, Tables
from featurestore.bulk import FileFormat, export_csv, export_parquet, format_of
from service.data.options import (
    ENTITY_TYPE,
    STORE,
    DataError,
    failures,
    output_to,
    progress,
    read_settings,
)
from service.stores.choice import StoreChoice
from service.stores.opening import open_tables

__all__ = ["export"]


@click.command()
@click.argument("file", type=click.Path(allow_dash=True, dir_okay=False))
@STORE
@ENTITY_TYPE
def export(file: str, store: StoreChoice, entity_type: str) -> None:
    """Write all arms of an entity type to a CSV (also gzipped) or Parquet file; `-` is CSV.

    Columns are the id and the features. Loading the file gives the very same values.
    """
    with failures(), open_tables(read_settings(), store) as tables:
        info = _table(tables, entity_type)
        parquet = format_of(file) is FileFormat.PARQUET
        write: Callable[..., int] = export_parquet if parquet else export_csv
        with progress("exporting", info.rows) as update, output_to(file) as output:
            rows = write(tables.scan(entity_type), info.features, output, update)
    click.echo(f'{rows:,} rows of "{entity_type}" written to {file}', err=True)


def _table(tables: Tables, entity_type: str) -> TableInfo:
    known = tables.tables()
    if entity_type not in known:
        there = ", ".join(known) or "none"
        raise DataError(f'there is no entity type "{entity_type}"; there are: {there}')
    return known[entity_type]
