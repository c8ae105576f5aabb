"""A real service in processes of its own, over a real store."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import pytest

from featurestore import LmdbStore
from loadtest.processes import free_port

COMMAND = str(Path(sys.executable).with_name("bandit-serve"))
START_S = 30.0

MODELS = """
default_model = "homepage"

[models.homepage]
version = "3"
entity_type = "content"
prior = { alpha = 2.0, beta = 30.0 }

[models.greedy]
version = "1"
policy = "greedy"
prior = { alpha = 1.0, beta = 3.0 }

[models.optimist]
version = "1"
prior = { alpha = 1.0, beta = 1.0 }
policy = { name = "bayes-ucb", level = 0.9 }

[models.pairs]
version = "1"
prior = { alpha = 1.0, beta = 1.0 }
entity_type = "pair"
entity = "{segment}:{candidate}"
policy = "greedy"

[models.tight]
version = "1"
prior = { alpha = 1.0, beta = 1.0 }
max_candidates = 5

[models.wide]
version = "1"
prior = { alpha = 1.0, beta = 1.0 }
precision = "float64"
"""


@dataclass
class Service:
    """A running `bandit-serve run`."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.url, timeout=10)

    def predict(self, candidates: list[str], **fields: object) -> dict[str, object]:
        answer = self.client.post("/predict", json={"candidates": candidates, **fields})
        assert answer.status_code == 200, answer.text
        document: dict[str, object] = answer.json()
        return document

    def scores(self, candidates: list[str], **fields: object) -> dict[str, float]:
        answer = self.predict(candidates, **fields)
        return dict(zip(answer["candidates"], answer["scores"], strict=True))  # type: ignore[call-overload]

    def await_ready(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if self.client.get("/health/ready").status_code == 200:
                    return
            time.sleep(0.02)
        raise AssertionError(f"not ready; its log: {self.log.read_text()}")

    def log_lines(self) -> list[dict[str, object]]:
        """Return the lines of the log so far; what came before them on the screen isn't JSON."""
        whole = self.log.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.split("\n") if line.startswith("{")]

    def await_log_line(self, **fields: object) -> dict[str, object]:
        """Return the one line with these fields; it is written a moment after its answer."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            found = [line for line in self.log_lines() if fields.items() <= line.items()]
            if found:
                (line,) = found
                return line
            time.sleep(0.01)
        raise AssertionError(f"no line with {fields} in the log")

    def stop(self) -> int:
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


Start = Callable[..., Service]


@contextlib.contextmanager
def starting(folder: Path) -> Iterator[Start]:
    """Yield a function that starts services; those still running at the end are killed."""
    started: list[Service] = []

    def start(
        store: object,
        models: str = MODELS,
        workers: int = 1,
        ready: bool = True,
        **settings: object,
    ) -> Service:
        config = folder / f"config-{len(started)}.toml"
        config.write_text(models)
        log, port = folder / f"log-{len(started)}", free_port()
        environment = {
            f"BANDIT_SERVE_{name.upper()}": str(value) for name, value in settings.items()
        }
        arguments = ["--config", config, "--store", store, "--port", port, "--workers", workers]
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [COMMAND, "run", *map(str, arguments)],
                env={**os.environ, "BANDIT_SERVE_SERVER_DRAIN_DELAY_S": "0.2", **environment},
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        service = Service(process, f"http://127.0.0.1:{port}", log)
        started.append(service)
        if ready:
            service.await_ready()
        return service

    try:
        yield start
    finally:
        for service in started:
            service.client.close()
            service.process.kill()  # its workers end with it
            service.process.wait()


Tables = dict[str, tuple[list[str], np.ndarray]]


def write_tables(folder: Path, tables: Tables) -> Path:
    with LmdbStore.open(folder) as store:
        for entity_type, (ids, values) in tables.items():
            store.write(entity_type, ids, ("alpha", "beta"), values)
    return folder


@pytest.fixture(scope="session")
def write_store() -> Callable[[Path, Tables], Path]:
    return write_tables


@pytest.fixture(scope="session")
def command() -> str:
    return COMMAND


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with starting(tmp_path) as function:
        yield function


@pytest.fixture(scope="session")
def catalogue() -> dict[str, tuple[float, float]]:
    """1,000 contents with posteriors after 10 to 5,000 impressions."""
    rng = np.random.default_rng(7)
    impressions = rng.integers(10, 5000, 1000)
    clicks = rng.binomial(impressions, rng.beta(2, 30, 1000))
    return {
        f"c{i}": (1.0 + clicks[i], 1.0 + impressions[i] - clicks[i]) for i in range(len(clicks))
    }


@pytest.fixture(scope="session")
def store(
    tmp_path_factory: pytest.TempPathFactory, catalogue: dict[str, tuple[float, float]]
) -> Path:
    values = np.array(list(catalogue.values()))
    pairs = [f"{segment}:{name}" for segment in ("young", "old") for name in catalogue]
    return write_tables(
        tmp_path_factory.mktemp("store"),
        {
            "content": (list(catalogue), values),
            "pair": (pairs, np.concatenate([values, values[::-1]])),
        },
    )


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, store: Path) -> Iterator[Service]:
    with starting(tmp_path_factory.mktemp("service")) as start_service:
        yield start_service(store)
