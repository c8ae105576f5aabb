"""`bandit-serve stats`."""

import dataclasses
from collections.abc import Callable, Iterator

import click
import numpy as np
import orjson
from numpy.typing import NDArray

from featurestore import TableInfo, Tables
from featurestore.bulk import FEATURES, Summary, summarize
from service.data.options import STORE, echo, failures, progress, read_settings
from service.stores.choice import StoreChoice
from service.stores.opening import open_tables

__all__ = ["stats"]


@click.command()
@STORE
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def stats(store: StoreChoice, as_json: bool) -> None:
    """Show what is in a store: rows, features, bytes, and the posteriors summed up.

    "mean" is alpha / (alpha + beta), the expected rate of an arm; "alpha + beta" is how much is
    known about it.
    """
    with failures(), open_tables(read_settings(), store) as tables:
        known = tables.tables()
        with progress("reading", sum(info.rows for info in known.values())) as update:
            found = {
                name: (info, _summary(tables, name, info, update)) for name, info in known.items()
            }
    if as_json:
        figures = {name: _figures(info, summary) for name, (info, summary) in found.items()}
        click.echo(orjson.dumps({"entity_types": figures}, option=orjson.OPT_INDENT_2))
        return
    for name, (info, summary) in found.items():
        click.echo(
            f'"{name}": {info.rows:,} rows of {", ".join(info.features)}; {info.bytes:,} bytes'
        )
        echo(f"  {line}" for line in (summary.lines() if summary else ()))


def _summary(
    tables: Tables, entity_type: str, info: TableInfo, update: Callable[[int], None]
) -> Summary | None:
    if not set(FEATURES) <= set(info.features):
        return None
    columns = [info.features.index(feature) for feature in FEATURES]

    def posteriors() -> Iterator[NDArray[np.float64]]:
        for ids, values in tables.scan(entity_type):
            update(len(ids))
            yield values[:, columns]

    return summarize(posteriors())


def _figures(info: TableInfo, summary: Summary | None) -> dict[str, object]:
    posterior = summary.figures() if summary else None
    return {**dataclasses.asdict(info), "posterior": posterior}
