"""The figures of several workers made one, in the terms of Prometheus."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from featurestore import Histogram, Kind, Measurement

__all__ = ["PREFIX", "Total"]

PREFIX = "bandit_serve_"

LEVELS = (Kind.GAUGE, Kind.HIGHEST)


@dataclass(slots=True)
class _Family:
    kind: Kind
    help: str
    labels: tuple[str, ...]
    values: dict[tuple[str, ...], float | Histogram] = field(default_factory=dict)

    def add(self, values: tuple[str, ...], value: float | Histogram) -> None:
        before = self.values.get(values)
        if isinstance(before, Histogram) and isinstance(value, Histogram):
            before.add(value)
        elif isinstance(value, Histogram):
            self.values[values] = value.copy()
        elif isinstance(before, int | float):
            join = max(before, value) if self.kind is Kind.HIGHEST else before + value
            self.values[values] = join
        else:
            self.values[values] = value


class Total(Collector):
    """Adds up the figures of workers; a collector of prometheus_client."""

    def __init__(self) -> None:
        self._families: dict[str, _Family] = {}

    def add(self, measurements: Iterable[Measurement], *, running: bool = True) -> bool:
        """Add a worker's figures, its levels only while it runs.

        Returns
        -------
        bool
            Whether all figures were of the kind, labels and bounds of those before them; those that
            were not are left out.
        """
        fit = [self._add(m) for m in measurements if running or m.kind not in LEVELS]
        return all(fit)

    def _add(self, measurement: Measurement) -> bool:
        name, kind, about, value, pairs = measurement
        labels = tuple([label for label, _ in pairs])
        family = self._families.get(name)
        if family is None:
            family = self._families[name] = _Family(kind, about, labels)
        if (family.kind, family.labels) != (kind, labels):
            return False
        try:
            family.add(tuple([text for _, text in pairs]), value)
        except ValueError:
            return False
        return True

    def measurements(self) -> list[Measurement]:
        """Return the sums as figures, which added to another total come to the same."""
        return [
            Measurement(
                name,
                family.kind,
                family.help,
                value,
                tuple(zip(family.labels, labels, strict=True)),
            )
            for name, family in self._families.items()
            for labels, value in family.values.items()
        ]

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        for name, family in self._families.items():
            yield _metric(PREFIX + name, family)


def _metric(name: str, family: _Family) -> Metric:
    if family.kind is Kind.HISTOGRAM:
        metric = HistogramMetricFamily(name, family.help, labels=family.labels)
        for labels, value in family.values.items():
            if isinstance(value, Histogram):
                metric.add_metric(labels, _buckets(value), value.sum)
        return metric
    make = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    single = make(name, family.help, labels=family.labels)
    for labels, value in family.values.items():
        if not isinstance(value, Histogram):
            single.add_metric(labels, value)
    return single


def _buckets(value: Histogram) -> list[tuple[str, float]]:
    names = (*map(floatToGoString, value.bounds), "+Inf")
    return list(zip(names, accumulate(value.counts), strict=True))
