"""Seeded bodies of predict requests."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loadtest.result import Workload

__all__ = ["BODIES", "EXPONENT", "Bodies", "make_bodies", "predict_bodies"]

BODIES = 200

# Weight of the k-th most popular id: k ** -EXPONENT. Requests for web pages follow 0.64 to 0.83
# (Breslau et al., Web Caching and Zipf-like Distributions, INFOCOM 1999).
EXPONENT = 0.8

COLD_IDS = 10**9  # so many that hardly one is asked for twice


@dataclass(frozen=True, slots=True)
class Bodies:
    """The bodies of a workload as lines of a file, so that every driver posts the same ones."""

    workload: Workload
    file: Path

    @classmethod
    def write(cls, file: Path, workload: Workload, ids: Sequence[str]) -> "Bodies":
        """Make BODIES bodies, see `make_bodies`, and write them to a file."""
        file.write_text("".join(f"{body}\n" for body in make_bodies(workload, ids, BODIES)))
        return cls(workload, file)

    def lines(self) -> list[str]:
        """Return the bodies."""
        return self.file.read_text().splitlines()


def make_bodies(workload: Workload, ids: Sequence[str], bodies: int) -> list[str]:
    """Return JSON bodies, each of `workload.candidates` distinct ids in random order.

    As many as the cold share says, rounded, are `cold-...`, which no catalogue has; the others are
    drawn from `ids` without replacement: uniformly, or by Zipf's law with EXPONENT, where a seeded
    permutation says which ids are popular. With users, `context.user` is `u0`, `u1`, ... uniformly.

    Raises
    ------
    ValueError
        A field of the workload is out of its range, or there are not enough ids.
    """
    _check(workload)
    known = workload.candidates - round(workload.cold_share * workload.candidates)
    if known > len(ids):
        raise ValueError(f"{known} distinct ids are wanted of a catalogue of {len(ids)}")
    rng = np.random.default_rng(workload.seed)
    weights = _weights(workload.ids, len(ids), rng)
    return [_body(workload, ids, known, weights, rng) for _ in range(bodies)]


def _check(workload: Workload) -> None:
    if workload.candidates < 1:
        raise ValueError(f"candidates is {workload.candidates}, must be >= 1")
    if workload.ids not in ("uniform", "zipf"):
        raise ValueError(f"ids is {workload.ids!r}, must be 'uniform' or 'zipf'")
    if not 0 <= workload.cold_share <= 1:
        raise ValueError(f"cold_share is {workload.cold_share}, must be from 0 to 1")
    if workload.users < 0:
        raise ValueError(f"users is {workload.users}, must be >= 0")


def _weights(ids: str, count: int, rng: np.random.Generator) -> NDArray[np.float64] | None:
    if ids == "uniform" or count == 0:
        return None
    weights = (1.0 + rng.permutation(count)) ** -EXPONENT
    return np.asarray(weights / weights.sum(), np.float64)


def _body(
    workload: Workload,
    ids: Sequence[str],
    known: int,
    weights: NDArray[np.float64] | None,
    rng: np.random.Generator,
) -> str:
    drawn = rng.choice(max(len(ids), 1), known, replace=False, p=weights)
    cold = rng.choice(COLD_IDS, workload.candidates - known, replace=False, shuffle=False)
    candidates = [*(ids[i] for i in drawn), *(f"cold-{number:09d}" for number in cold)]
    rng.shuffle(candidates)
    body: dict[str, object] = {"candidates": candidates}
    if workload.users:
        body["context"] = {"user": f"u{rng.integers(workload.users)}"}
    return json.dumps(body)


def predict_bodies(ids: Sequence[str], candidates: int, bodies: int, seed: int) -> list[str]:
    """Return JSON bodies, each with `candidates` distinct ids drawn uniformly."""
    return make_bodies(Workload(candidates, rows=len(ids), seed=seed), ids, bodies)
