"""Command-line options that several commands take, and what they may be."""

import argparse
import math
from pathlib import Path

from loadtest.result import Workload

__all__ = ["add_target", "add_workload", "positive", "share", "whole", "workload"]


def positive(text: str) -> float:
    """Return a finite number > 0."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number > 0")
    return value


def share(text: str) -> float:
    """Return a number from 0 to 1."""
    value = _number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to 1")
    return value


def whole(text: str) -> int:
    """Return a whole number >= 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a whole number")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def add_workload(parser: argparse.ArgumentParser) -> None:
    """Add what is asked for."""
    group = parser.add_argument_group("workload")
    group.add_argument("--candidates", type=whole, default=400, help="ids in a request (400)")
    group.add_argument("--ids", choices=("uniform", "zipf"), default="uniform")
    group.add_argument("--cold-share", type=share, default=0.0, help="of ids unknown to the store")
    group.add_argument(
        "--users",
        type=whole,
        default=0,
        help='ask for pairs, for so many users: needs entity = "{user}:{candidate}" in the model',
    )
    group.add_argument("--rows", type=whole, default=100_000, help="of the sample catalogue")
    group.add_argument("--seed", type=whole, default=1)


def workload(options: argparse.Namespace, rows: int) -> Workload:
    """Return what the options of `add_workload` ask of a catalogue of so many rows."""
    return Workload(
        candidates=options.candidates,
        ids=options.ids,
        cold_share=options.cold_share,
        users=options.users,
        rows=rows,
        seed=options.seed,
    )


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add whom to ask."""
    group = parser.add_argument_group("server")
    group.add_argument("--url", help="a live one, http://host:port; else one is started")
    group.add_argument(
        "--id-file",
        type=Path,
        help="with --url: CSV with a column id, of what its store has (that of make serve)",
    )
    group.add_argument("--workers", type=whole, default=2, help="of a started one (2)")
