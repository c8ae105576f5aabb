"""Formats of files, known by the ends of their names."""

from enum import Enum
from pathlib import Path

from featurestore.bulk.csvsource import STDIN, CsvSource
from featurestore.bulk.parquetsource import ParquetSource
from featurestore.bulk.source import Source, SourceError

__all__ = ["FileFormat", "format_of", "open_source"]


class FileFormat(Enum):
    """How rows are laid down in a file."""

    CSV = "csv"
    PARQUET = "parquet"


ENDS = {
    ".csv": FileFormat.CSV,
    ".csv.gz": FileFormat.CSV,
    ".parquet": FileFormat.PARQUET,
    ".pq": FileFormat.PARQUET,
}


def format_of(name: str) -> FileFormat:
    """Tell the format of a file by its name; `-`, pipes and devices are CSV.

    Raises
    ------
    SourceError
        When the name's end is none of the known ones.
    """
    for end, file_format in ENDS.items():
        if name.lower().endswith(end):
            return file_format
    if name == STDIN or (Path(name).exists() and not Path(name).is_file()):
        return FileFormat.CSV
    raise SourceError(f"{name}: the name ends in none of {', '.join(ENDS)}: say its format")


def open_source(name: str, file_format: FileFormat | None = None) -> Source:
    """Open a file to be read, in the given format or that of its name.

    Raises
    ------
    SourceError
        When it can't be opened, or its format can't be told.
    """
    if (file_format or format_of(name)) is FileFormat.PARQUET:
        return ParquetSource(name)
    return CsvSource(name)
