"""Whole tables into a store and out of it: CSV and Parquet files, bad rows, figures."""

from featurestore.bulk.badrows import BadRowLog
from featurestore.bulk.export import export_csv, export_parquet, whole_file
from featurestore.bulk.fileformat import FileFormat, format_of, open_source
from featurestore.bulk.form import Layout, Prior, layout
from featurestore.bulk.listed import Listed, read_ids
from featurestore.bulk.load import BATCH, FEATURES, Load, RefusedError, Report, Target, run
from featurestore.bulk.source import Source, SourceError
from featurestore.bulk.summary import Summary, summarize

__all__ = [
    "BATCH",
    "FEATURES",
    "BadRowLog",
    "FileFormat",
    "Layout",
    "Listed",
    "Load",
    "Prior",
    "RefusedError",
    "Report",
    "Source",
    "SourceError",
    "Summary",
    "Target",
    "export_csv",
    "export_parquet",
    "format_of",
    "layout",
    "open_source",
    "read_ids",
    "run",
    "summarize",
    "whole_file",
]
