"""The three forms in which rows say what is known of an arm, and how a file shows its form."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from featurestore.bulk.column import lengths, numbers, rewards
from featurestore.bulk.source import Column, Source, SourceError
from featurestore.rows import MAX_ID_BYTES

__all__ = [
    "COUNTS",
    "EVENTS",
    "FORMS",
    "POSTERIORS",
    "Fault",
    "FloatArray",
    "Form",
    "Layout",
    "Prior",
    "layout",
]

MAX_COUNT = 2.0**53  # above it float64 has no room for every integer

FloatArray: TypeAlias = NDArray[np.float64]


class Prior(Protocol):
    """What is believed of an arm before any trial: Beta(alpha, beta)."""

    @property
    def alpha(self) -> float:
        """Finite and > 0."""
        ...

    @property
    def beta(self) -> float:
        """Finite and > 0."""
        ...

    def updated(self, successes: FloatArray, trials: FloatArray) -> FloatArray:
        """Return float64[n, 2], alpha and beta after `successes` among `trials`."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong with some rows of a piece.

    Attributes
    ----------
    column
        Which of the wanted columns: 0 is the id.
    reason
        A fixed text.
    rows
        bool[n], where it is so.
    """

    column: int
    reason: str
    rows: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Form:
    """One way of saying what is known of an arm.

    Attributes
    ----------
    name
        What the form is called.
    fields
        The parts it needs beside the id; by default the columns are called so.
    meaning
        How alpha and beta come of it.
    addition
        What of it can be added to the alpha and beta of an arm; empty when nothing can.
    read, faults
        From a column's text to float64[n], and what is wrong among those numbers.
    """

    name: str
    fields: tuple[str, ...]
    meaning: str
    addition: str
    read: Callable[[Column], FloatArray]
    faults: Callable[..., Iterator[Fault]]

    def parse(self, columns: Sequence[Column]) -> tuple[FloatArray, list[Fault]]:
        """Float64[n, len(fields)], and what is wrong with which rows, gravest first.

        Parameters
        ----------
        columns
            The ids, then the form's own, of n rows each.
        """
        values = [self.read(column) for column in columns[1:]]
        faults = [*_id_faults(cast("list[str]", columns[0])), *self.faults(*values)]
        return np.column_stack(values), faults


def _id_faults(ids: list[str]) -> Iterator[Fault]:
    sizes = lengths(ids)
    yield Fault(0, "empty id", sizes == 0)
    yield Fault(0, "id is not valid UTF-8", sizes < 0)
    yield Fault(0, f"id of more than {MAX_ID_BYTES} bytes", sizes > MAX_ID_BYTES)


def _posterior_faults(*values: FloatArray) -> Iterator[Fault]:
    for column, value in enumerate(values, start=1):
        yield Fault(column, "not a finite number", ~np.isfinite(value))
        yield Fault(column, "not > 0", ~(value > 0))


def _count_faults(successes: FloatArray, trials: FloatArray) -> Iterator[Fault]:
    for column, count in enumerate((successes, trials), start=1):
        yield Fault(column, "not a finite number", ~np.isfinite(count))
        yield Fault(column, "negative count", count < 0)
        yield Fault(column, "fractional count", count != np.floor(count))
        yield Fault(column, "count over 2**53", count > MAX_COUNT)
    yield Fault(2, "fewer trials than successes", trials < successes)


def _event_faults(reward: FloatArray) -> Iterator[Fault]:
    yield Fault(1, "reward is not 0 or 1", ~((reward == 0) | (reward == 1)))


POSTERIORS = Form(
    "posteriors", ("alpha", "beta"), "alpha and beta as they stand", "", numbers, _posterior_faults
)
COUNTS = Form(
    "counts",
    ("successes", "trials"),
    "alpha = {alpha:g} + successes, beta = {beta:g} + trials - successes",
    "alpha += successes, beta += trials - successes",
    numbers,
    _count_faults,
)
EVENTS = Form(
    "events",
    ("reward",),
    "alpha = {alpha:g} + rewards of 1, beta = {beta:g} + rewards of 0, over all rows of an id",
    "alpha += rewards of 1, beta += rewards of 0, over all rows of an id",
    rewards,
    _event_faults,
)
FORMS = (POSTERIORS, COUNTS, EVENTS)


@dataclass(frozen=True, slots=True)
class Layout:
    """A form, and the columns that hold it: the id's first, then those of the form's fields."""

    form: Form
    columns: tuple[str, ...]

    def describe(self, prior: Prior, add: bool = False) -> str:
        """One line on the form and what is made of it."""
        start = "; an arm that is not there begins with alpha = {alpha:g}, beta = {beta:g}"
        text = self.form.addition + start if add else self.form.meaning
        meaning = text.format(alpha=prior.alpha, beta=prior.beta)
        return f"{self.form.name} from the columns {', '.join(self.columns)}: {meaning}"

    def positions(self, source: Source) -> list[int]:
        """Where the columns are in `source`.

        Raises
        ------
        SourceError
            When a column is not there or there twice.
        """
        for column in self.columns:
            if (times := source.columns.count(column)) != 1:
                found = "there is no column" if times == 0 else f"{times} columns are called"
                raise SourceError(f"{source.name}: {found} {column!r}; {_found(source)}")
        return [source.columns.index(column) for column in self.columns]


def layout(source: Source, names: Mapping[str, str]) -> Layout:
    """Find out which form a file has.

    Parameters
    ----------
    source
        Whose columns are looked at.
    names
        What the columns are called that are not called as the part they hold (`id` and the
        fields of the forms). A form with a named field is meant; without one, any.

    Raises
    ------
    SourceError
        When the columns of no form are all there, or those of more than one; the message says
        which columns were found and what each form needs.
    """
    meant = [form for form in FORMS if any(name in form.fields for name in names)]
    layouts = [_layout(form, names) for form in (meant or FORMS)]
    fitting = [one for one in layouts if set(one.columns) <= set(source.columns)]
    if len(meant) > 1 or len(fitting) != 1:
        raise SourceError(_unclear(source, layouts, fitting))
    fitting[0].positions(source)
    return fitting[0]


def _layout(form: Form, names: Mapping[str, str]) -> Layout:
    return Layout(form, tuple(names.get(field, field) for field in ("id", *form.fields)))


def _unclear(source: Source, layouts: list[Layout], fitting: list[Layout]) -> str:
    several = len(fitting) > 1 or 1 < len(layouts) < len(FORMS)
    problem = "the form is ambiguous, name the columns of one" if several else "columns are missing"
    needs = [f"  {one.form.name} need {', '.join(one.columns)}" for one in layouts]
    return "\n".join((f"{source.name}: {problem}", *needs, f"  {_found(source)}"))


def _found(source: Source) -> str:
    shown = ", ".join(map(repr, source.columns[:50]))
    more = len(source.columns) - 50
    return f"found {shown}" + (f" and {more} more" if more > 0 else "")
