"""A table written out as a file that loads back to the very same values."""

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from featurestore.bulk.parquetsource import import_pyarrow

__all__ = ["export_csv", "export_parquet", "whole_file"]


class Ids(Protocol):
    """A column of ids, as a store hands it out."""

    def tolist(self) -> list[str]:
        """Every id as a str."""


Batches: TypeAlias = Iterable[tuple[Ids, NDArray[np.float64]]]


def export_csv(
    batches: Batches,
    features: tuple[str, ...],
    file: BinaryIO,
    on_progress: Callable[[int], object] = lambda _: None,
) -> int:
    """Write a header and a line per row, numbers in the fewest digits that read back the same.

    Parameters
    ----------
    batches
        Ids and float64[n, f] of their values.
    features
        f names of columns, after `id`.
    file
        Left open.
    on_progress
        Told how many more rows were written.

    Returns
    -------
    int
        How many rows there were.
    """
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    # Until Python 3.13 the csv module leaves a carriage return unquoted after lineterminator="\n".
    careful = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(("id", *features))
    rows = 0
    for column, values in batches:
        ids = column.tolist()
        chosen = careful if "\r" in "".join(ids) else writer
        chosen.writerows(zip(ids, *values.T.tolist(), strict=True))
        rows += len(ids)
        on_progress(len(ids))
    text.detach()
    return rows


def export_parquet(
    batches: Batches,
    features: tuple[str, ...],
    file: BinaryIO,
    on_progress: Callable[[int], object] = lambda _: None,
) -> int:
    """Write the ids as strings and the values as float64; parameters are those of `export_csv`.

    Raises
    ------
    SourceError
        When pyarrow is not installed.
    """
    pyarrow = import_pyarrow()
    fields = [("id", pyarrow.string()), *((name, pyarrow.float64()) for name in features)]
    schema = pyarrow.schema(fields)
    rows = 0
    with pyarrow.parquet.ParquetWriter(file, schema) as writer:
        for column, values in batches:
            arrays = [pyarrow.array(column.tolist(), pyarrow.string())]
            arrays += map(pyarrow.array, values.T)
            writer.write_batch(pyarrow.record_batch(arrays, schema=schema))
            rows += len(values)
            on_progress(len(values))
    return rows


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file that is there whole or not at all; gzipped when its name ends in `.gz`.

    A pipe or a device is written to directly.
    """
    direct = path.exists() and not path.is_file()
    part = path if direct else path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            if path.name.endswith(".gz"):
                with gzip.GzipFile(fileobj=file, mode="wb", filename="") as packed:
                    yield cast("BinaryIO", packed)
            else:
                yield file
    except BaseException:
        if not direct:
            part.unlink(missing_ok=True)
        raise
    if not direct:
        part.replace(path)
