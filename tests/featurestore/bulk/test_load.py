"""Rows of every form, good and bad, loaded into a table in memory."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bandit import Prior
from featurestore.bulk.csvsource import CsvSource
from featurestore.bulk.form import COUNTS, EVENTS, POSTERIORS, layout
from featurestore.bulk.load import Load, RefusedError, Report, Target, run
from featurestore.bulk.source import BadRow, SourceError

Rows = dict[str, tuple[float, float]]


@dataclass
class Table:
    """A table in memory, written to in place or replaced as a whole."""

    rows: Rows = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)

    def write(self, ids: Sequence[str], values: NDArray[np.float64]) -> None:
        assert len(set(ids)) == len(ids)
        assert values.shape == (len(ids), 2)
        self.batches.append(len(ids))
        self.rows.update(zip(ids, map(tuple, values.tolist()), strict=True))

    def upserting(self) -> Target:
        return Target(lambda: nullcontext(self), atomic=False)

    def replacing(self) -> Target:
        return Target(self._replace, atomic=True)

    @contextmanager
    def _replace(self) -> "Iterator[Table]":
        fresh = Table()
        yield fresh
        self.rows, self.batches = fresh.rows, fresh.batches


@dataclass
class Outcome:
    table: Table
    report: Report
    bad: list[BadRow]
    progress: list[int]

    @property
    def bad_lines(self) -> list[int]:
        return [row.line for row in self.bad]


def load_bytes(folder: Path, *contents: bytes, replace: bool = False, **options: object) -> Outcome:
    names = options.pop("names", {})
    files = [folder / f"{number}.csv" for number in range(len(contents))]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    sources = [CsvSource(str(file)) for file in files]
    outcome = Outcome(Table(), Report(), [], [])
    task = Load(
        sources,
        layout(sources[0], names),  # type: ignore[arg-type]
        on_bad=outcome.bad.extend,
        on_progress=outcome.progress.append,
        prior=options.pop("prior", Prior(1, 1)),  # type: ignore[arg-type]
        **options,  # type: ignore[arg-type]
    )
    target = outcome.table.replacing() if replace else outcome.table.upserting()
    run(task, target, outcome.report)
    return outcome


def test_posteriors_are_taken_as_they_stand(tmp_path: Path) -> None:
    outcome = load_bytes(tmp_path, b"beta,id,note,alpha\n2.5,a,x,1e-3\n 7 ,b,,+0.1\n")
    assert outcome.table.rows == {"a": (1e-3, 2.5), "b": (0.1, 7.0)}
    assert (outcome.report.read, outcome.report.written) == (2, 2)


def test_counts_are_added_to_the_prior(tmp_path: Path) -> None:
    content = b"id,successes,trials\na,3,10\nb,0,0\nc,4.0,4e0\n"
    outcome = load_bytes(tmp_path, content, prior=Prior(2, 30))
    assert outcome.table.rows == {"a": (5, 37), "b": (2, 30), "c": (6, 30)}


def test_events_are_added_up_over_all_files(tmp_path: Path) -> None:
    first = b"id,reward\na,1\na,0\nb,false\n"
    second = b"id,reward\nb,TRUE\na,1.0\nc,0\n"
    outcome = load_bytes(tmp_path, first, second)
    assert outcome.table.rows == {"a": (3, 2), "b": (2, 2), "c": (1, 2)}
    assert outcome.report.read == 6


def test_columns_can_have_other_names(tmp_path: Path) -> None:
    names = {"id": "item_id", "reward": "click"}
    outcome = load_bytes(tmp_path, b",item_id,click,alpha\n0,a,1,x\n1,a,0,y\n", names=names)
    assert outcome.table.rows == {"a": (2, 2)}


def test_files_may_differ_in_the_order_of_columns(tmp_path: Path) -> None:
    outcome = load_bytes(tmp_path, b"id,alpha,beta\na,1,2\n", b"beta,alpha,id\n4,3,b\n")
    assert outcome.table.rows == {"a": (1, 2), "b": (3, 4)}


@pytest.mark.parametrize(
    ("row", "column", "value", "reason"),
    [
        (b"a,1", "", "2, not 3", "wrong number of columns"),
        (b"a,1,2,3", "", "4, not 3", "wrong number of columns"),
        (b",1,2", "id", "", "empty id"),
        (b"x" * 512 + b",1,2", "id", "x" * 200 + "...", "id of more than 511 bytes"),
        ("é".encode() * 256 + b",1,2", "id", "é" * 200 + "...", "id of more than 511 bytes"),
        (b"a\xff,1,2", "id", "a\\xff", "id is not valid UTF-8"),
        (b"a\xed\xa0\x80,1,2", "id", "a\\xed\\xa0\\x80", "id is not valid UTF-8"),
        (b"a,one,2", "alpha", "one", "not a finite number"),
        (b"a,,2", "alpha", "", "not a finite number"),
        (b"a,1_0,2", "alpha", "1_0", "not a finite number"),
        (b"a,\xd9\xa1,2", "alpha", "\u0661", "not a finite number"),
        (b"a,1,nan", "beta", "nan", "not a finite number"),
        (b"a,1,-inf", "beta", "-inf", "not a finite number"),
        (b"a,1,1e999", "beta", "1e999", "not a finite number"),
        (b"a,0,1", "alpha", "0", "not > 0"),
        (b"a,1,-2", "beta", "-2", "not > 0"),
        (b"a,1\xff,2", "alpha", "1\\xff", "not a finite number"),
        (b'a,"1\x1b[2J\n",2', "alpha", "1\\x1b[2J\\n", "not a finite number"),
    ],
)
def test_bad_posteriors(tmp_path: Path, row: bytes, column: str, value: str, reason: str) -> None:
    outcome = load_bytes(tmp_path, b"id,alpha,beta\ngood,1,2\n" + row + b"\nfine,3,4\n")
    file = str(tmp_path / "0.csv")
    assert outcome.bad == [BadRow(file, 3, column, value, reason)]
    assert outcome.table.rows == {"good": (1, 2), "fine": (3, 4)}
    assert outcome.report.bad == {reason: 1}


@pytest.mark.parametrize(
    ("counts", "column", "reason"),
    [
        (b"-1,2", "successes", "negative count"),
        (b"1,-2", "trials", "negative count"),
        (b"0.5,2", "successes", "fractional count"),
        (b"1,2.5", "trials", "fractional count"),
        (b"1,inf", "trials", "not a finite number"),
        (b"x,2", "successes", "not a finite number"),
        (b"3,2", "trials", "fewer trials than successes"),
        (b"0,9007199254740994", "trials", "count over 2**53"),
    ],
)
def test_bad_counts(tmp_path: Path, counts: bytes, column: str, reason: str) -> None:
    outcome = load_bytes(tmp_path, b"id,successes,trials\na," + counts + b"\nb,1,2\n")
    assert [(row.line, row.column, row.reason) for row in outcome.bad] == [(2, column, reason)]
    assert outcome.table.rows == {"b": (2, 2)}


@pytest.mark.parametrize("reward", [b"2", b"", b"0.5", b"-1", b"yes", b"nan"])
def test_bad_rewards(tmp_path: Path, reward: bytes) -> None:
    outcome = load_bytes(tmp_path, b"id,reward\na,1\na," + reward + b"\n")
    assert [(row.line, row.reason) for row in outcome.bad] == [(3, "reward is not 0 or 1")]
    assert outcome.table.rows == {"a": (2, 1)}


def test_the_last_row_of_an_id_wins_and_the_others_are_counted(tmp_path: Path) -> None:
    first = b"id,alpha,beta\na,1,1\nb,1,1\na,2,2\na,-1,1\nc,1,1\nb,3,3\n"
    second = b"id,alpha,beta\nc,4,4\n"
    for batch in (1, 2, 50):
        outcome = load_bytes(tmp_path, first, second, batch=batch)
        assert outcome.table.rows == {"a": (2, 2), "b": (3, 3), "c": (4, 4)}
        assert outcome.report.repeated == 3


def test_batches_are_full_but_for_the_last(tmp_path: Path) -> None:
    rows = b"".join(b"%d,1,2\n" % number for number in range(10_001))
    outcome = load_bytes(tmp_path, b"id,alpha,beta\n" + rows, batch=1000)
    assert outcome.table.batches == [1000] * 10 + [1]
    assert outcome.report.written == len(outcome.table.rows) == 10_001


@pytest.mark.parametrize("strict", [False, True])
def test_progress_adds_up_to_the_bytes_of_all_passes(tmp_path: Path, strict: bool) -> None:
    content = b"id,alpha,beta\n" + b"".join(b"%d,1,2\n" % number for number in range(20_000))
    outcome = load_bytes(tmp_path, content, b"id,alpha,beta\n", strict=strict)
    assert sum(outcome.progress) == (len(content) + 14) * (1 + strict)
    assert len(outcome.progress) > 2


def test_a_strict_load_writes_all_or_nothing(tmp_path: Path) -> None:
    rows = b"".join(b"%d,1,2\n" % number for number in range(100))
    good = b"id,alpha,beta\n" + rows
    assert load_bytes(tmp_path, good, strict=True, batch=7).report.written == 100
    outcome = Outcome(Table({"old": (1, 1)}), Report(), [], [])
    file = tmp_path / "bad.csv"
    file.write_bytes(good + b"x,0,1\n")
    source = CsvSource(str(file))
    for target in (outcome.table.upserting(), outcome.table.replacing()):
        task = Load(
            [source],
            layout(source, {}),
            Prior(1, 1),
            batch=7,
            strict=True,
            on_bad=outcome.bad.extend,
        )
        with pytest.raises(RefusedError):
            run(task, target, outcome.report)
    assert outcome.table.rows == {"old": (1, 1)}
    assert outcome.bad_lines == [102, 102]


def test_a_strict_event_log_writes_nothing_when_a_row_is_bad(tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        load_bytes(tmp_path, b"id,reward\na,1\nb,7\n", strict=True)


@pytest.mark.parametrize("rows", [b"", b"a,x,1\n"])
def test_a_table_is_not_replaced_by_nothing(tmp_path: Path, rows: bytes) -> None:
    with pytest.raises(RefusedError, match="no good row"):
        load_bytes(tmp_path, b"id,alpha,beta\n" + rows, replace=True)
    assert load_bytes(tmp_path, b"id,alpha,beta\n" + rows).table.rows == {}


def test_byte_order_mark_crlf_and_blank_lines(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf"id",alpha,beta\r\n\r\na,1,2\r\n\r\n\r\nb,x,2\r\n'
    outcome = load_bytes(tmp_path, content)
    assert outcome.table.rows == {"a": (1, 2)}
    assert outcome.bad_lines == [6]


@pytest.mark.parametrize("content", [b"", b"\n\r\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceError, match=r"0\.csv is empty: it needs a first line"):
        load_bytes(tmp_path, content)


def test_an_unreadable_header_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="names no columns: line 1"):
        load_bytes(tmp_path, b'"id,alpha\na,b\n')


def form_of(tmp_path: Path, header: bytes, **names: str) -> object:
    file = tmp_path / "header.csv"
    file.write_bytes(header + b"\n")
    return layout(CsvSource(str(file)), names).form


def test_the_header_and_the_named_columns_decide_the_form(tmp_path: Path) -> None:
    assert form_of(tmp_path, b"id,alpha,beta,trials") is POSTERIORS
    assert form_of(tmp_path, b"id,successes,trials") is COUNTS
    assert form_of(tmp_path, b"id,reward,alpha") is EVENTS
    assert form_of(tmp_path, b"id,alpha,beta,click", reward="click") is EVENTS
    assert form_of(tmp_path, b"id,alpha,beta,reward", alpha="alpha") is POSTERIORS
    assert form_of(tmp_path, b"key,alpha,beta,id,reward", id="key", reward="reward") is EVENTS


@pytest.mark.parametrize(
    ("header", "names", "said"),
    [
        (b"id,alpha,beta,reward", {}, ["ambiguous", "posteriors need", "events need id, reward"]),
        (b"id,a,b", {"alpha": "a", "trials": "b"}, ["ambiguous", "found 'id', 'a', 'b'"]),
        (b"x,alpha,beta", {}, ["columns are missing", "found 'x', 'alpha', 'beta'"]),
        (b"id,alpha", {}, ["posteriors need id, alpha, beta", "counts need id, successes, trials"]),
        (b"id,click", {"reward": "clicks"}, ["columns are missing", "events need id, clicks"]),
        (b"id,alpha,beta,alpha", {}, ["2 columns are called 'alpha'"]),
        (b"\xff\xfei\x00d\x00", {}, ["columns are missing"]),
    ],
)
def test_unclear_columns_are_an_error_that_lists_them(
    tmp_path: Path, header: bytes, names: dict[str, str], said: list[str]
) -> None:
    with pytest.raises(SourceError) as caught:
        form_of(tmp_path, header, **names)
    assert [part for part in said if part not in str(caught.value)] == []


@pytest.mark.parametrize("prior", [(0, 1), (1, -1), (math.nan, 1), (1, math.inf)])
def test_a_prior_is_finite_and_positive(prior: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"of the prior is .*, must be finite and > 0"):
        Prior(*prior)


@dataclass(frozen=True)
class Row:
    """Bytes of a row without its end, and what should become of it."""

    text: bytes
    good: tuple[str, float, float] | None = None
    blank: bool = False


GOOD_IDS = st.one_of(
    st.text("abcxyz0-9 ;'", min_size=1, max_size=8),
    st.text(
        st.characters(codec="utf-8", exclude_characters='",\r\n\ufeff'), min_size=1, max_size=40
    ),
)
POSITIVE = st.floats(min_value=5e-324, allow_infinity=False, allow_nan=False)


@st.composite
def good_rows(draw: st.DrawFn) -> Row:
    name, alpha, beta = draw(GOOD_IDS), draw(POSITIVE), draw(POSITIVE)
    note = draw(st.sampled_from(["", "plain", '"quoted, ""twice"""', '"two\nlines"', '"a\r\n\nb"']))
    shown = draw(st.sampled_from([name, f'"{name}"', f'"q\n{name}"']))
    stored = f"q\n{name}" if shown.startswith('"q\n') else name
    return Row(f"{shown},{alpha!r},{beta!r},{note}".encode(), (stored, alpha, beta))


BAD_ROWS = st.sampled_from(
    [
        b"a,1,2",
        b"a,1,2,,",
        b",1,2,",
        b"i" * 512 + b",1,2,",
        b"\xc3,1,2,",
        b"\xff\xfe,1,2,note",
        b'a,"1\n2",2,note',
        b"a,0,1,",
        b"a,1,-1,",
        b"a,nan,1,",
        b"a,1,inf,",
        b'"a"b,1,2,',
        b'"stray,1,2,',
        b'"' + b"huge" * 40_000 + b'",1,2,',
        b'"' + b"h" * 140_000 + b",1,2,",
    ]
).map(Row)
MIXTURE = st.lists(
    st.one_of(good_rows(), good_rows(), BAD_ROWS, st.just(Row(b"", blank=True))), max_size=25
)


@settings(max_examples=200, deadline=None)
@given(MIXTURE, st.sampled_from([b"\n", b"\r\n"]), st.booleans(), st.integers(1, 30))
def test_any_mixture_loads_the_good_rows_and_names_the_bad_lines(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], end: bytes, last: bool, batch: int
) -> None:
    wanted: Rows = {}
    bad, line = [], 2
    for row in rows:
        if row.good:
            wanted[row.good[0]] = row.good[1:]
        elif not row.blank:
            bad.append(line)
        line += row.text.count(b"\n") + 1
    content = (
        b"id,alpha,beta,note" + end + end.join(row.text for row in rows) + (end if last else b"")
    )
    outcome = load_bytes(tmp_path_factory.getbasetemp(), content, batch=batch)
    assert outcome.bad_lines == bad
    assert outcome.table.rows == wanted
    assert outcome.report.read == sum(not row.blank for row in rows)
    good = [row for row in rows if row.good]
    assert outcome.report.repeated == len(good) - len(wanted)
