"""A real `feast serve` in a process group of its own, over a repository made for it."""

import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from loadtest.processes import free_port

ROOT = Path(__file__).parents[3]
FEAST = ROOT / "build/feast/venv/bin/feast"
START_S = 60.0


@dataclass(frozen=True)
class View:
    """A feature view's rows, by the id of their entity."""

    features: tuple[str, ...]
    rows: Mapping[str, Sequence[float | None]]
    join_key: str
    integer: bool = False
    ttl_s: float | None = None
    age_s: float = 0.0

    def described(self) -> dict[str, object]:
        columns = np.array(list(self.rows.values()), object).reshape(-1, len(self.features))
        return {
            **{name: getattr(self, name) for name in ("features", "join_key", "integer")},
            **{name: getattr(self, name) for name in ("ttl_s", "age_s")},
            "ids": [int(id_) for id_ in self.rows] if self.integer else list(self.rows),
            "values": columns.T.tolist(),
        }


class FeastServer:
    """A feature server that can be killed, paused and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it is healthy."""
        options = ["-h", "127.0.0.1", "-p", str(self.port), "--no-access-log"]
        # By default it hangs up on everybody after 1,000 requests, to start its worker afresh.
        options += ["--max-requests", "0", "--max-requests-jitter", "0"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(FEAST), "-c", str(self._folder), "serve", *options],
                stdout=log,
                stderr=log,
                env=os.environ | {"HOME": str(self._folder)},  # gunicorn leaves a socket there
                start_new_session=True,
            )
        self._await_health()

    def signal(self, number: int) -> None:
        """Send a signal to the server and all its workers."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def _await_health(self) -> None:
        deadline = time.monotonic() + START_S
        assert self._process is not None
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/health", timeout=5).close()  # noqa: S310
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(
            f"feast serve is not ready: {(self._folder / 'log').read_text()[-2000:]}"
        )


@contextlib.contextmanager
def serving(folder: Path, views: Mapping[str, View]) -> Iterator[FeastServer]:
    """Run a feature server over some views, in an empty folder, until the block ends.

    Skips the test that asks for it when Feast is not installed beside the project.
    """
    if not FEAST.exists():
        pytest.skip("Feast is not installed: make build/feast/.installed")
    description = folder / "views.json"
    description.write_text(json.dumps({name: view.described() for name, view in views.items()}))
    script = Path(__file__).with_name("repository.py")
    made = subprocess.run(
        [str(FEAST.with_name("python")), str(script), str(folder), str(description)],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert made.returncode == 0, made.stderr[-3000:]
    server = FeastServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
