"""The command `load` over real stores: what it prints, what it leaves, how it exits."""

import csv
import gzip
import io
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from featurestore import LmdbStore
from service.data import load

COMMAND = [sys.executable, "-c", "from service.data import load; load()"]
POSTERIORS = "id,alpha,beta\na,1,2\nb,3,4\n"

Rows = dict[str, tuple[float, ...]]
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def invoke(*arguments: object, **options: object) -> Result:
        store = ["--store", str(tmp_path / "store")]
        return CliRunner().invoke(load, [*map(str, arguments), *store], **options)  # type: ignore[arg-type]

    return invoke


def rows_in(tmp_path: Path, entity_type: str = "content") -> Rows:
    rows: Rows = {}
    with LmdbStore.open(tmp_path / "store") as store:
        for ids, values in store.scan(entity_type):
            rows.update(zip(ids.tolist(), map(tuple, values.tolist()), strict=True))
    return rows


def file_of(tmp_path: Path, text: str, name: str = "rows.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, newline="")
    return path


def test_a_clean_load_exits_0_and_says_what_it_did(tmp_path: Path, run: Run) -> None:
    result = run(file_of(tmp_path, "id,successes,trials\na,3,10\nb,0,0\nb,1,1\n"), "--prior", "2,8")
    assert result.exit_code == 0
    form, read, repeated, loaded, there = result.stdout.splitlines()
    assert form == (
        "counts from the columns id, successes, trials:"
        " alpha = 2 + successes, beta = 8 + trials - successes"
    )
    assert read == "3 rows read, 0 bad"
    assert repeated == "1 good rows gave way to a later row of the same id"
    assert loaded.startswith("3 loaded in ")
    assert there == f'2 rows of "content" are in {tmp_path / "store"} now'
    assert result.stderr == ""
    assert rows_in(tmp_path) == {"a": (5, 15), "b": (3, 8)}


@pytest.mark.parametrize("header", ["id,alpha,beta", "id,successes,trials", "id,reward"])
def test_a_file_without_rows_loads_nothing_and_says_so(
    tmp_path: Path, run: Run, header: str
) -> None:
    result = run(file_of(tmp_path, f"{header}\n"))
    assert result.exit_code == 1
    assert result.stderr == "nothing was loaded: there is no good row\n"
    assert rows_in(tmp_path) == {}


def test_bad_rows_are_named_counted_and_make_it_exit_1(tmp_path: Path, run: Run) -> None:
    bad = "".join(f"x{number},0,1\n" for number in range(25))
    file = file_of(tmp_path, f"id,alpha,beta\na,1,2\nb,3\n{bad}c,5,6\n")
    result = run(file)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[:2] == [
        f"{file}:3: wrong number of columns: 2, not 3",
        f'{file}:4: not > 0: alpha is "0"',
    ]
    assert len(result.stderr.splitlines()) == 21
    assert result.stderr.splitlines()[-1] == "... and 6 more; --errors FILE lists them all"
    assert (
        "28 rows read, 26 bad\n  25 not > 0\n  1 wrong number of columns\n2 loaded" in result.stdout
    )
    assert rows_in(tmp_path) == {"a": (1, 2), "c": (5, 6)}


def test_bad_rows_can_be_had_as_a_file(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b'id,reward\n"x\ny",1\na,"2,5"\n\xff,0\nb\n')
    errors = tmp_path / "errors.csv"
    result = run(file, "--errors", errors)
    assert (result.exit_code, result.stderr) == (1, "")
    with errors.open(newline="") as lines:
        assert list(csv.reader(lines)) == [
            ["file", "line", "column", "value", "reason"],
            [str(file), "4", "reward", "2,5", "reward is not 0 or 1"],
            [str(file), "5", "id", "\\xff", "id is not valid UTF-8"],
            [str(file), "6", "", "1, not 2", "wrong number of columns"],
        ]
    assert rows_in(tmp_path) == {"x\ny": (2, 1)}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent.csv"], "absent.csv can't be read"),
        (["."], ". can't be read"),
        (["rows.csv", "--prior", "0,1"], "alpha of the prior is 0.0"),
        (["rows.csv", "--prior", "1"], "'1' is not ALPHA,BETA, both > 0\n"),
        (["rows.csv", "--batch", "0"], "--batch"),
        (["rows.csv", "--mode", "add"], "posteriors are all that is known of an arm: --mode add"),
        (["rows.csv", "--mode", "merge"], "--mode"),
        (["rows.csv", "--entity-type", ""], "entity_type is ''"),
        (["rows.csv", "./rows.csv"], "a file is named twice"),
        (["rows.csv", "--errors", "rows.csv"], "a file is named twice"),
        (["rows.csv", "--errors", "absent/errors.csv"], "absent/errors.csv"),
        (["rows.csv", "counts.csv"], "counts.csv: there is no column 'alpha'; found 'id', 'succ"),
        (["rows.csv", "--reward", "click"], "events need id, click"),
        (["rows.txt"], "rows.txt: the name ends in none of .csv"),
        (["rows.csv", "--format", "parquet"], "rows.csv can't be read"),
        (["empty.csv"], "empty.csv is empty"),
        (["rows.csv", "cut.csv.gz"], "cut.csv.gz can't be read"),
        (["-", "--strict"], "--strict reads twice"),
        ([], "FILES"),
    ],
)
def test_wrong_commands_and_files_exit_2_and_write_nothing(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("rows.csv", "rows.txt"):
        file_of(tmp_path, POSTERIORS, name)
    file_of(tmp_path, "id,successes,trials\nc,1,2\n", "counts.csv")
    file_of(tmp_path, "", "empty.csv")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(POSTERIORS.encode())[:-12])
    result = run(*arguments, input=POSTERIORS)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "store").exists() or rows_in(tmp_path) == {}


@pytest.mark.parametrize(("mode", "kept"), [("upsert", 20_000), ("replace", 0)])
def test_a_file_that_breaks_off_says_what_was_written(
    tmp_path: Path, run: Run, mode: str, kept: int
) -> None:
    random = np.random.default_rng(1)
    lines = [
        f"{number},{value!r},1\n"
        for number, value in enumerate((random.random(30_000) + 1).tolist())
    ]
    packed = gzip.compress(("id,alpha,beta\n" + "".join(lines)).encode())
    (tmp_path / "cut.csv.gz").write_bytes(packed[: len(packed) * 9 // 10])
    result = run(tmp_path / "cut.csv.gz", "--mode", mode, "--batch", 20_000)
    assert result.exit_code == 2
    assert f"{kept:,} rows were written before that" in result.stderr
    assert len(rows_in(tmp_path)) == kept


def test_upsert_keeps_other_arms_and_replace_does_not(tmp_path: Path, run: Run) -> None:
    assert run(file_of(tmp_path, POSTERIORS)).exit_code == 0
    newer = file_of(tmp_path, "id,alpha,beta\nb,5,6\nc,7,8\n", "newer.csv")
    assert run(newer).exit_code == 0
    assert rows_in(tmp_path) == {"a": (1, 2), "b": (5, 6), "c": (7, 8)}
    assert run(newer, "--mode", "replace").exit_code == 0
    assert rows_in(tmp_path) == {"b": (5, 6), "c": (7, 8)}


@pytest.mark.parametrize("mode", ["upsert", "replace"])
def test_strict_refuses_all_rows_for_a_bad_one(tmp_path: Path, run: Run, mode: str) -> None:
    assert run(file_of(tmp_path, POSTERIORS)).exit_code == 0
    bad = file_of(tmp_path, "id,alpha,beta\na,9,9\nz,9,9\nb,x,9\n", "bad.csv")
    result = run(bad, "--strict", "--mode", mode, "--batch", 1)
    assert result.exit_code == 1
    assert "a strict load takes no bad row, so nothing was loaded" in result.stderr
    assert f'{bad}:4: not a finite number: alpha is "x"' in result.stderr
    assert rows_in(tmp_path) == {"a": (1, 2), "b": (3, 4)}


def test_replacing_by_no_row_exits_1_and_keeps_the_table(tmp_path: Path, run: Run) -> None:
    assert run(file_of(tmp_path, POSTERIORS)).exit_code == 0
    result = run(file_of(tmp_path, "id,alpha,beta\n", "none.csv"), "--mode", "replace")
    assert result.exit_code == 1
    assert "the table was left as it was" in result.stderr
    assert len(rows_in(tmp_path)) == 2


def test_entity_types_are_tables_of_their_own(tmp_path: Path, run: Run) -> None:
    file = file_of(tmp_path, POSTERIORS)
    assert run(file, "--entity-type", "men").exit_code == 0
    assert rows_in(tmp_path) == {}
    assert len(rows_in(tmp_path, "men")) == 2


def test_standard_input_and_gzip(tmp_path: Path, run: Run) -> None:
    packed = tmp_path / "rows.csv.gz"
    packed.write_bytes(gzip.compress(b"id,alpha,beta\nc,5,6\n"))
    assert run("-", packed, input=POSTERIORS).exit_code == 0
    assert rows_in(tmp_path) == {"a": (1, 2), "b": (3, 4), "c": (5, 6)}


def run_process(
    tmp_path: Path, *arguments: object, **options: object
) -> "subprocess.CompletedProcess[bytes]":
    command = [*COMMAND, *map(str, arguments), "--store", str(tmp_path / "store")]
    return subprocess.run(command, capture_output=True, timeout=60, check=False, **options)  # type: ignore[call-overload, no-any-return]


def test_exit_status_and_silence_of_a_real_process(tmp_path: Path) -> None:
    clean = run_process(tmp_path, "-", input=POSTERIORS.encode())
    assert (clean.returncode, clean.stderr) == (0, b"")
    dirty = run_process(tmp_path, "-", input=POSTERIORS.encode() + b"\xff,1,2\n")
    assert (dirty.returncode, dirty.stderr) == (
        1,
        b'-:4: id is not valid UTF-8: id is "\\xff"\n',
    )
    assert run_process(tmp_path, tmp_path / "absent.csv").returncode == 2
    assert len(rows_in(tmp_path)) == 2


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [*COMMAND, str(pipe), "--store", str(tmp_path / "store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        pipe.write_text(POSTERIORS)
        assert process.wait(60) == 0
    assert len(rows_in(tmp_path)) == 2


def test_a_terminal_sees_a_progress_bar(tmp_path: Path) -> None:
    file = file_of(tmp_path, "id,alpha,beta\n" + "".join(f"{n},1,2\n" for n in range(50_000)))
    leader, follower = pty.openpty()
    command = [*COMMAND, str(file), "--store", str(tmp_path / "store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=follower) as process:
        assert process.wait(60) == 0
    os.close(follower)
    with io.FileIO(leader) as terminal:
        shown = terminal.read(65_536)
    assert b"loading" in shown
    assert b"100%" in shown


def parquet_of(tmp_path: Path, **columns: object) -> Path:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=10_000)
    return path


def test_parquet_with_integer_ids_and_bad_rows(tmp_path: Path, run: Run) -> None:
    trials = np.full(25_000, 10)
    trials[[0, 9_999, 10_000, 24_999]] = -1
    ids = np.arange(25_000) - 1
    file = parquet_of(tmp_path, trials=trials, id=ids, successes=np.full(25_000, 4, np.int8))
    errors = tmp_path / "errors.csv"
    result = run(file, "--errors", errors)
    assert result.exit_code == 1
    lines = list(csv.DictReader(errors.read_text().splitlines()))
    assert [row["line"] for row in lines] == ["1", "10000", "10001", "25000"]
    bad = {"-1", "9998", "9999", "24998"}
    assert rows_in(tmp_path) == {str(name): (5, 7) for name in ids.tolist() if str(name) not in bad}


@pytest.mark.parametrize(
    "ids",
    [
        pa.array(["a", "é", "", None, "a"]),
        pa.array(["a", "é", "", None, "a"], pa.large_string()),
        pa.array(["a", "é", "", None, "a"]).dictionary_encode(),
        pa.array([b"a", "é".encode(), b"\xff", None, b"a"]),
    ],
    ids=lambda array: str(array.type),
)
@pytest.mark.parametrize(
    "rewards",
    [
        pa.array([True, False, True, True, False]),
        pa.array([1, 0, 1, 1, 0], pa.uint8()),
        pa.array([1.0, 0.0, 1.0, 1.0, 0.0], pa.float32()),
        pa.array(["1", "false", "1", "1", "0"]),
    ],
    ids=lambda array: str(array.type),
)
def test_parquet_columns_of_many_types(
    tmp_path: Path, run: Run, ids: pa.Array, rewards: pa.Array
) -> None:
    result = run(parquet_of(tmp_path, id=ids, reward=rewards))
    assert result.exit_code == 1
    assert "5 rows read, 2 bad" in result.stdout
    assert rows_in(tmp_path) == {"a": (2, 2), "é": (1, 2)}


def test_parquet_nulls_are_bad_numbers(tmp_path: Path, run: Run) -> None:
    alpha = pa.array([1, None, 3], pa.decimal128(5, 2))
    result = run(parquet_of(tmp_path, id=["a", "b", "c"], alpha=alpha, beta=[2.5, 2.5, None]))
    assert "  2 not a finite number" in result.stdout
    assert rows_in(tmp_path) == {"a": (1, 2.5)}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"id": [1.5], "alpha": [1], "beta": [1]}, "column id is of type double, not text or int"),
        ({"id": ["a"], "alpha": [[1]], "beta": [1]}, "column alpha is of type list"),
        ({"id": ["a"], "alpha": [1]}, "found 'id', 'alpha'"),
    ],
)
def test_parquet_columns_of_wrong_types_exit_2(
    tmp_path: Path, run: Run, columns: dict[str, object], said: str
) -> None:
    result = run(parquet_of(tmp_path, **columns))
    assert result.exit_code == 2
    assert said in result.stderr


def test_without_pyarrow_the_extra_is_named(tmp_path: Path) -> None:
    file = parquet_of(tmp_path, id=["a"], alpha=[1], beta=[1])
    hidden = "import sys; sys.modules['pyarrow'] = None; " + COMMAND[2]
    command = [sys.executable, "-c", hidden, str(file), "--store", str(tmp_path / "store")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert "pip install 'bandit-serve[parquet]'" in result.stderr


def test_pyarrow_is_not_imported_for_csv() -> None:
    probe = "import service.data, sys; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], timeout=60, check=False).returncode == 0
