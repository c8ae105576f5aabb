"""`bandit-serve emulate vertex` as a process."""

import asyncio
import csv
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bandit import Model
from featurestore import FeatureBatch, StoreUnavailable
from featurestore.vertex.conduct import Conduct, parse_latency
from idcolumn import IdColumn
from service.cli import main
from service.config import load_settings
from service.stores.serving import Serving, open_serving
from tests.featurestore.vertex.emulators import store_of

COMMAND = [sys.executable, "-c", "from service.cli import main; main()", "emulate", "vertex"]
ARMS = "id,alpha,beta\na,1.5,2\nb,3,4\nempty,,4\nbad,x,1\n,1,1\na,5,6\n"


@contextmanager
def serving(*options: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run the command, wait for what it says, and end it."""
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = []
            while not (lines and lines[-1].startswith("bandit-serve run")):
                lines.append(process.stdout.readline().rstrip("\n"))
                assert process.poll() is None
            yield process, lines
        finally:
            process.kill()


def port_of(lines: list[str]) -> int:
    (found,) = re.findall(r'endpoint = "127\.0\.0\.1:(\d+)"', "\n".join(lines))
    return int(found)


async def read(port: int, ids: list[str], entity_type: str = "content") -> FeatureBatch:
    store = store_of("vertex", port)
    column = IdColumn.from_list(ids)
    try:
        return await store.fetch(entity_type, column, ("alpha", "beta"), time.monotonic() + 30)
    finally:
        await store.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_files_says_how_to_try_and_ends(tmp_path: Path, number: int) -> None:
    (tmp_path / "arms.csv").write_text(ARMS)
    (tmp_path / "more.csv").write_text("id,alpha,beta\na,7,8\n")
    options = ["--data", f"{tmp_path}/arms.csv", "--data", f"article={tmp_path}/more.csv"]
    with serving(*options, "--port", "0", "--latency-ms", "uniform:1,3") as (process, lines):
        assert '"content": 4 ids with alpha, beta' in lines
        assert "  2 bad rows: a value is not finite and > 0: no service can score from it" in lines
        assert "  1 bad rows: empty id: left out" in lines
        assert '"article": 1 ids with alpha, beta' in lines
        port = port_of(lines)
        batch = asyncio.run(read(port, ["b", "a", "empty", "bad", "c"]))
        assert batch.found.tolist() == [True, True, False, False, False]
        assert batch.invalid == 1
        np.testing.assert_array_equal(batch.values[:2], [(3, 4), (5, 6)])
        assert asyncio.run(read(port, ["a"], "article")).values.tolist() == [[7, 8]]
        process.send_signal(number)
        assert process.wait(20) == 0
    with pytest.raises(StoreUnavailable):
        asyncio.run(read(port, ["a"]))


def test_it_fails_as_told_and_can_be_killed_and_restarted(tmp_path: Path) -> None:
    (tmp_path / "arms.csv").write_text(ARMS)
    data = ["--data", f"{tmp_path}/arms.csv"]
    with serving(*data, "--port", "0", "--error-rate", "1", "--error-code", "internal") as started:
        port = port_of(started[1])
        with pytest.raises(StoreUnavailable, match="INTERNAL"):
            asyncio.run(read(port, ["a"]))
    with serving(*data, "--port", str(port)):
        assert asyncio.run(read(port, ["a"])).found.all()
        taken = subprocess.run(
            [*COMMAND, *data, "--port", str(port)], capture_output=True, text=True, check=False
        )
        assert taken.returncode == 2
        assert f"can't listen on 127.0.0.1:{port}: Address already in use" in taken.stderr
        assert len(taken.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "header", ["id,alpha,beta", "id,views,beta,alpha", 'id,ctr.a,"ctr ""b"""', "id,x,y,z"]
)
def test_the_configuration_that_it_prints_serves(tmp_path: Path, header: str) -> None:
    width = header.count(",")
    row = ",".join(["arm", "5", "6", "7"][: width + 1])
    (tmp_path / "arms.csv").write_text(f"{header}\n{row}\n")
    (tmp_path / "one.csv").write_text("id,only\n1,2\n")
    given = [f"--data=my.arms={tmp_path}/arms.csv", f"--data=less={tmp_path}/one.csv"]
    with serving(*given, "--port", "0") as (_, lines):
        pasted = "\n".join(lines[lines.index("cat > vertex.toml <<'END'") : -1])
        subprocess.run(["sh", "-c", pasted], cwd=tmp_path, check=True)
        named = dict(zip(next(csv.reader([header])), row.split(","), strict=True))
        for kind in ("vertex", "vertex-legacy"):
            settings = load_settings(tmp_path / "vertex.toml", {"store": {"kind": kind}})
            (model,) = settings.models.by_name.values()
            found = asyncio.run(first_row(open_serving(settings.store), model))
            assert found == [float(named[feature]) for feature in model.features]


async def first_row(store: Serving, model: Model) -> list[float]:
    ids, deadline = IdColumn.from_list(["arm"]), time.monotonic() + 30
    try:
        batch = await store.fetch(model.entity_type, ids, model.features, deadline)
        return batch.values[0].tolist()
    finally:
        await store.close()


def run(*options: str):
    return CliRunner().invoke(main, ["emulate", "vertex", *options])


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("alpha\n1\n", [], "needs one column id and others"),
        ("id\n1\n", [], "needs one column id and others"),
        ("id,a,a\n1,1,1\n", [], "needs one column id and others"),
        (ARMS, ["--latency-ms", "fast"], "'fast' is no latency"),
        (ARMS, ["--latency-ms", "uniform:3,1"], "is no latency"),
        (ARMS, ["--error-rate", "2"], "2.0 is not in the range"),
        (ARMS, ["--error-code", "OK"], "'OK' is not one of"),
        (ARMS, ["--data", "nowhere.csv"], "nowhere.csv"),
        (ARMS, ["--entity-type", "a/b"], "'a/b' can't be the id of an entity type"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, options: list[str], said: str) -> None:
    (tmp_path / "arms.csv").write_text(text)
    result = run("--data", f"{tmp_path}/arms.csv", "--port", "0", *options)
    assert result.exit_code == 2
    assert said in result.output


def test_two_files_of_one_type_are_refused(tmp_path: Path) -> None:
    (tmp_path / "arms.csv").write_text(ARMS)
    data = ["--data", f"{tmp_path}/arms.csv"]
    assert "a file for the entity type 'content' already" in run(*data, *data).output


def test_a_missing_client_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "featurestore.vertex.emulator", None)
    (tmp_path / "arms.csv").write_text(ARMS)
    result = run("--data", f"{tmp_path}/arms.csv")
    assert result.exit_code == 2
    assert "pip install 'bandit-serve[vertex]'" in result.output


def test_latencies_are_distributed_as_named() -> None:
    def draws(text: str, **more: float) -> np.ndarray:
        conduct = Conduct(parse_latency(text), seed=1, **more)
        return np.array([conduct.delay_s() for _ in range(10_000)]) * 1000

    assert set(draws("20")) == {20.0}
    even = draws("uniform:5,30")
    assert 5 <= even.min() < 5.1 < 29.9 < even.max() <= 30
    skewed = np.log(draws("lognormal:median=8,sigma=0.5"))
    # 5 standard errors of a mean and of a standard deviation of 10,000
    assert skewed.mean() == pytest.approx(np.log(8), abs=5 * 0.5 / 100)
    assert skewed.std() == pytest.approx(0.5, abs=5 * 0.5 / 141)
    tail = draws("20", slow_share=0.02, slow_ms=500.0) == 500.0
    assert tail.mean() == pytest.approx(0.02, abs=5 * 0.14 / 100)
    assert (draws("uniform:5,30") == even).all()
