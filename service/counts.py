"""What a worker has answered, shed, defaulted and missed since it started, and how long it took."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from featurestore import Lost, Measurement
from featurestore.batch import FeatureBatch
from featurestore.measurement import Histogram, counter, histogram
from service.errors import (
    PROBLEMS,
    STATUS_OK,
    BrokenBody,
    CatalogNotLoaded,
    FeaturesUnavailable,
    NotHttp,
    Problem,
)
from service.stages import STAGES, Stages

__all__ = ["Counts", "ModelCounts"]

SHARE_WEIGHT = 0.02  # an average over some 100 predictions
FORGOTTEN_S = 30.0
KINDS = (*PROBLEMS, BrokenBody, NotHttp, FeaturesUnavailable, CatalogNotLoaded)
PROTOCOLS = ("predict", "oip")
STATUSES = sorted({STATUS_OK, *(kind.status for kind in PROBLEMS)})


def _no_rows() -> NDArray[np.int64]:
    return np.zeros(len(Lost), np.int64)


class ModelCounts:
    """Totals of one model; `lost` has the candidates that the prior stood in for, by `Lost`."""

    def __init__(self) -> None:
        self.predictions = self.candidates = self.missing = 0
        self.degraded_requests = self.invalid = 0
        self.lost = _no_rows()


@dataclass
class CatalogCounts:
    """Totals of one catalogue."""

    predictions: int = 0
    arms: int = 0


class Counts:
    """Totals of one worker, shown by the health page and, over all workers, by the metrics.

    Parameters
    ----------
    models, catalogs : iterable of str
        Names of those that have figures before they are first asked for.
    """

    def __init__(self, models: Iterable[str] = (), catalogs: Iterable[str] = ()) -> None:
        self.models = {name: ModelCounts() for name in models}
        self.catalogs = {name: CatalogCounts() for name in catalogs}
        self.problems: dict[str, int] = {}
        self.answers = dict.fromkeys(product(PROTOCOLS, STATUSES), 0)
        self.ok_seconds = Histogram()
        self.problem_seconds = Histogram()
        self._degraded_share = self._degraded_at = 0.0
        self.stage_seconds = {stage: Histogram() for stage in STAGES}

    def prediction(self, model: str, batch: FeatureBatch, missing: int, degraded: int) -> None:
        """Count one scored list of candidates."""
        counts = self._of_model(model)
        counts.predictions += 1
        counts.candidates += len(batch.found)
        counts.missing += missing
        counts.invalid += batch.invalid
        self._degraded_share += ((degraded > 0) - self._degraded_share) * SHARE_WEIGHT
        if degraded:
            self._degraded_at = time.monotonic()
            counts.degraded_requests += 1
            counts.lost += np.bincount(batch.lost, minlength=len(Lost))

    def catalog_prediction(self, model: str, catalog: str, arms: int) -> None:
        """Count one answer from a catalogue of so many arms."""
        counts = self._of_model(model)
        counts.predictions += 1
        whole = self.catalogs.setdefault(catalog, CatalogCounts())
        whole.predictions += 1
        whole.arms += arms

    def problem(self, problem: Problem) -> None:
        """Count one problem answer by its kind."""
        kind = type(problem).__name__
        self.problems[kind] = self.problems.get(kind, 0) + 1

    def answer(self, protocol: str, status: int) -> None:
        """Count one answer to a prediction request."""
        self.answers[protocol, status] += 1

    def took(self, status: int, seconds: float, stages: Stages) -> None:
        """Count how long an answer took, and each of its stages."""
        outcome = self.ok_seconds if status == STATUS_OK else self.problem_seconds
        outcome.observe(seconds)
        for stage, duration in stages.durations:
            times = self.stage_seconds[stage]
            times.observe(duration)

    def degraded_lately(self) -> float:
        """Return the share of the latest predictions that were degraded, 0 when none was lately."""
        recent = time.monotonic() - self._degraded_at < FORGOTTEN_S
        return self._degraded_share if recent else 0.0

    def totals(self) -> dict[str, Any]:
        """Return the totals over all models, by name."""
        models = self.models.values()
        lost = sum((model.lost for model in models), _no_rows())
        return {
            "predictions": sum(model.predictions for model in models),
            "candidates": sum(model.candidates for model in models),
            "missing_candidates": sum(model.missing for model in models),
            "degraded_candidates": int(lost[Lost.NO + 1 :].sum()),
            "degraded_requests": sum(model.degraded_requests for model in models),
            "invalid_features": sum(model.invalid for model in models),
            "problems": dict(self.problems),
        }

    def measurements(self) -> Iterator[Measurement]:
        """See `featurestore.Measured.measurements`."""
        yield from self._answers()
        yield from self._durations()
        for name, model in self.models.items():
            yield from _of_model(name, model)
        for name, catalog in self.catalogs.items():
            yield from _of_catalog(name, catalog)

    def _of_model(self, name: str) -> ModelCounts:
        return self.models.get(name) or self.models.setdefault(name, ModelCounts())

    def _answers(self) -> Iterator[Measurement]:
        about = (
            "Answers to predictions, by /predict or by the Open Inference Protocol (oip); alert on "
            "the share of 429 (add workers or nodes) and of 5xx."
        )
        for (protocol, status), times in self.answers.items():
            yield counter("requests", about, times, protocol=protocol, status=str(status))
        about = (
            "Problem answers on any path, by the name in the log; of too many requests in flight "
            "the log has one line a second, with their number."
        )
        for kind, times in ({kind.__name__: 0 for kind in KINDS} | self.problems).items():
            yield counter("problems", about, times, kind=kind)

    def _durations(self) -> Iterator[Measurement]:
        about = "From a request's head to its answer, sending not included; ok is status 200."
        yield histogram("request_seconds", about, self.ok_seconds, outcome="ok")
        yield histogram("request_seconds", about, self.problem_seconds, outcome="problem")
        about = (
            "Time in each stage of a prediction: decode waits for the body too, features for the "
            "store, draw, of a catalogue's arms, for a thread; the others are computation."
        )
        for stage, times in self.stage_seconds.items():
            yield histogram("request_stage_seconds", about, times, stage=stage)


def _of_model(name: str, model: ModelCounts) -> Iterator[Measurement]:
    yield counter("predictions", "Requests that a model answered.", model.predictions, model=name)
    yield counter("candidates", "Candidates that a model scored.", model.candidates, model=name)
    about = "Candidates unknown to the store, scored from the prior; much of it: load the table."
    yield counter("missing_candidates", about, model.missing, model=name)
    about = "Requests in which the prior stood in for features that could not be had."
    yield counter("degraded_requests", about, model.degraded_requests, model=name)
    about = (
        "Candidates whose features could not be had: late at the deadline, failed in the store, "
        "or refused because it fails so often that it is left alone."
    )
    for reason in Lost:
        if reason is not Lost.NO:
            times = int(model.lost[reason])
            labels = {"model": name, "reason": reason.name.lower()}
            yield counter("degraded_candidates", about, times, **labels)
    about = "Rows with a value that is not finite and > 0, taken for missing; mend the loader."
    yield counter("invalid_features", about, model.invalid, model=name)


def _of_catalog(name: str, catalog: CatalogCounts) -> Iterator[Measurement]:
    about = "Requests that a catalogue answered; its model's predictions count them, too."
    yield counter("catalog_predictions", about, catalog.predictions, catalog=name)
    about = "Arms of the catalogues as they were asked, those that a filter kept out included."
    yield counter("catalog_ranked_arms", about, catalog.arms, catalog=name)
