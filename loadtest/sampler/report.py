"""Renders a result as Markdown; it knows nothing but the JSON document."""

import statistics
from collections.abc import Sequence
from typing import Any

from loadtest.markdown import markdown_table
from loadtest.sampler.contenders import OURS, REFERENCE

__all__ = ["render"]

Document = dict[str, Any]
Sample = dict[str, Any]


def render(document: Document) -> str:
    """Return the machine, one table per mix, the cycles of ours, and who was left out and why."""
    lines = [f"{key}: {value}  " for key, value in document["machine"].items()]
    lines += [f"method: {document['method']}  ", f"command: `{document['command']}`", ""]
    for mix, made in document["mixes"].items():
        lines += [f"### {mix}: {made}", "", _speeds(document, mix), ""]
    if any(sample["gigahertz"] for sample in document["samples"]):
        lines += ["### cycles per draw", "", _cycles(document), ""]
    lines += ["Versions:", ""]
    lines += [f"- {name}: {version}" for name, version in document["versions"].items()]
    if document["left_out"]:
        lines += ["", "Left out:", ""]
        lines += [f"- {name}: {reason}" for name, reason in document["left_out"].items()]
    return "\n".join(lines)


def _speeds(document: Document, mix: str) -> str:
    counts = document["counts"]
    columns = ["contender", "dtype", *(f"n = {n:,}: ns; times {REFERENCE}" for n in counts)]
    return markdown_table(
        columns,
        [
            [name, dtype, *(_speed(document, mix, n, dtype, name) for n in counts)]
            for name, dtype in _rows(document, mix)
        ],
    )


def _speed(document: Document, mix: str, n: int, dtype: str, name: str) -> str:
    mine = _rounds(document, mix, n, dtype, name)
    reference = _rounds(document, mix, n, "float64", REFERENCE)
    text = _range([_nanoseconds(sample) for sample in mine.values()])
    if reference:
        ratios = [
            _nanoseconds(reference[i]) / _nanoseconds(sample)
            for i, sample in mine.items()
            if i in reference
        ]
        text += f"; {_range(ratios)}x"
    return text


def _cycles(document: Document) -> str:
    counts, floors = document["counts"], document["floors"]
    columns = ["contender", "dtype", "mix", "bound", "busiest unit", "sum"]
    columns += [f"n = {n:,}" for n in counts]
    rows = []
    for mix in document["mixes"]:
        for name, dtype in _rows(document, mix):
            if name.split()[0] != OURS:
                continue
            level = document["versions"][name].split()[-1]
            floor = floors.get(f"{level} {mix} {dtype}")
            known = [f"{floor['bound']:.2f}", floor["unit"], f"{floor['sum']:.2f}"] if floor else []
            measured = [_range(_cycle_counts(document, mix, n, dtype, name)) for n in counts]
            rows.append([name, dtype, mix, *(known or ["-"] * 3), *measured])
    return markdown_table(columns, rows)


def _cycle_counts(document: Document, mix: str, n: int, dtype: str, name: str) -> list[float]:
    rounds = _rounds(document, mix, n, dtype, name).values()
    return [_nanoseconds(sample) * sample["gigahertz"] for sample in rounds]


def _rows(document: Document, mix: str) -> list[tuple[str, str]]:
    """Return contenders and dtypes in the order that they were measured in."""
    samples = (sample for sample in document["samples"] if sample["mix"] == mix)
    return list(dict.fromkeys((sample["contender"], sample["dtype"]) for sample in samples))


def _rounds(document: Document, mix: str, n: int, dtype: str, name: str) -> dict[int, Sample]:
    wanted = {"mix": mix, "n": n, "dtype": dtype, "contender": name}
    return {
        sample["round"]: sample
        for sample in document["samples"]
        if wanted.items() <= sample.items()
    }


def _nanoseconds(sample: Sample) -> float:
    return float(sample["nanoseconds"] / sample["draws"])


def _range(values: Sequence[float]) -> str:
    """Return "median (min..max)" with three significant digits."""
    return f"{_three(statistics.median(values))} ({_three(min(values))}..{_three(max(values))})"


def _three(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
