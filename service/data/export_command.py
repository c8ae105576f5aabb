"""`bandit-serve export`."""

from collections.abc import Callable

import click

from featurestore import LmdbStore, TableInfo
from featurestore.bulk import FileFormat, export_csv, export_parquet, format_of
from service.data.options import ENTITY_TYPE, STORE, DataError, failures, output_to, progress
from service.stores import open_store
from service.storesettings import StoreSettings

__all__ = ["export"]


@click.command()
@click.argument("file", type=click.Path(allow_dash=True, dir_okay=False))
@STORE
@ENTITY_TYPE
def export(file: str, settings: StoreSettings, entity_type: str) -> None:
    """Write all arms of an entity type to a CSV (also gzipped) or Parquet file; `-` is CSV.

    Columns are the id and the features. Loading the file gives the very same values.
    """
    with failures(), open_store(settings) as store:
        info = _table(store, entity_type)
        parquet = format_of(file) is FileFormat.PARQUET
        write: Callable[..., int] = export_parquet if parquet else export_csv
        with progress("exporting", info.rows) as update, output_to(file) as output:
            rows = write(store.scan(entity_type), info.features, output, update)
    click.echo(f'{rows:,} rows of "{entity_type}" written to {file}', err=True)


def _table(store: LmdbStore, entity_type: str) -> TableInfo:
    tables = store.tables()
    if entity_type not in tables:
        there = ", ".join(tables) or "none"
        raise DataError(f'there is no entity type "{entity_type}"; there are: {there}')
    return tables[entity_type]
