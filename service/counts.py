"""What a worker has answered, shed, defaulted and missed since it started."""

from dataclasses import dataclass, field

from service.errors import Problem

__all__ = ["Counts"]


@dataclass(slots=True)
class Counts:
    """Totals of one worker, shown by the health page."""

    predictions: int = 0
    candidates: int = 0
    missing_candidates: int = 0
    degraded_candidates: int = 0
    degraded_requests: int = 0
    invalid_features: int = 0
    problems: dict[str, int] = field(default_factory=dict)

    def prediction(self, candidates: int, missing: int, degraded: int, invalid: int) -> None:
        """Count one answered prediction."""
        self.predictions += 1
        self.candidates += candidates
        self.missing_candidates += missing
        self.degraded_candidates += degraded
        self.degraded_requests += degraded > 0
        self.invalid_features += invalid

    def problem(self, problem: Problem) -> None:
        """Count one problem answer by its kind."""
        kind = type(problem).__name__
        self.problems[kind] = self.problems.get(kind, 0) + 1
