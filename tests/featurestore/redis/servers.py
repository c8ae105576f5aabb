"""Real Redis servers for tests: started, paused, killed and started again."""

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from redis.exceptions import RedisError

from loadtest.processes import free_port

__all__ = ["Cluster", "Server", "cluster", "eventually", "free_port", "server"]

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")
MISSING = "needs redis-server: on Debian, apt-get install redis-server"


def eventually(condition: Callable[[], bool], what: str, limit_s: float = 20.0) -> None:
    """Poll until the condition holds."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.01)


class Server:
    """One redis-server in a process of its own.

    Parameters
    ----------
    folder : Path
        Where it keeps its files.
    options
        Of its command line, such as `"--requirepass", "secret"`.
    socket_path : Path or None
        Listen on this socket, not on a port.
    """

    def __init__(self, folder: Path, *options: str, socket_path: Path | None = None) -> None:
        self.folder = folder
        self.port = 0 if socket_path else free_port()
        self.socket_path = socket_path
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return (
            f"unix://{self.socket_path}" if self.socket_path else f"redis://127.0.0.1:{self.port}"
        )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, again perhaps, on the same port; it listens when this returns."""
        if PROGRAM is None:
            pytest.skip(MISSING)
        listen = (
            ["--unixsocket", str(self.socket_path), "--port", "0"]
            if self.socket_path
            else ["--port", str(self.port), "--bind", "127.0.0.1"]
        )
        quiet = ["--save", "", "--loglevel", "warning", "--logfile", str(self.folder / "log")]
        self._process = subprocess.Popen(
            [PROGRAM, *listen, *quiet, "--dir", str(self.folder), *self._options],
            stdout=subprocess.DEVNULL,
        )
        try:
            eventually(self._listens, f"{self.url} does not listen")
        except BaseException:
            self.kill()
            raise

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it and wait for its end."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def client(self) -> "redis.Redis":
        """The client package's, to look behind what is tested; close it."""
        return redis.Redis.from_url(self.url, socket_timeout=10)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _listens(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError((self.folder / "log").read_text())
        family = socket.AF_UNIX if self.socket_path else socket.AF_INET
        address = str(self.socket_path) if self.socket_path else ("127.0.0.1", self.tcp_port)
        with socket.socket(family) as probe:
            return probe.connect_ex(address) == 0

    @property
    def tcp_port(self) -> int:
        """What it listens on, be it for TLS."""
        if "--tls-port" in self._options:
            return int(self._options[self._options.index("--tls-port") + 1])
        return self.port


class Cluster:
    """A cluster of three primaries on ports of this machine."""

    def __init__(self, folder: Path) -> None:
        self.nodes: list[Server] = []
        try:
            self._start(folder)
            self._join()
        except BaseException:
            self.kill()
            raise

    @property
    def url(self) -> str:
        return self.nodes[0].url

    @property
    def seeds(self) -> tuple[str, ...]:
        """Addresses of the others."""
        return tuple(f"127.0.0.1:{node.port}" for node in self.nodes[1:])

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()

    def command(self, number: int, *parts: object) -> object:
        """Ask one node."""
        with contextlib.closing(self.nodes[number].client()) as client:
            return client.execute_command(*parts)

    def well(self) -> bool:
        """Whether every node finds all slots served."""
        try:
            return all(self._well(i) for i in range(3))
        except RedisError:
            return False

    def _well(self, number: int) -> bool:
        info = self.command(number, "CLUSTER", "INFO")
        nodes = self.command(number, "CLUSTER", "NODES")
        return "ok" in str(info).partition("state")[2][:30] and str(nodes).count("connected") >= 3

    def _start(self, folder: Path) -> None:
        for name in "abc":
            (folder / name).mkdir()
            options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
            more = ("--cluster-require-full-coverage", "no", "--cluster-allow-replica-migration")
            self.nodes.append(Server(folder / name, *options, *more, "no"))

    def _join(self) -> None:
        for i, (first, last) in enumerate(((0, 5460), (5461, 10922), (10923, 16383))):
            self.command(i, "CLUSTER", "ADDSLOTSRANGE", first, last)
            self.command(i, "CLUSTER", "SET-CONFIG-EPOCH", i + 1)
        for node in self.nodes[1:]:
            self.command(0, "CLUSTER", "MEET", "127.0.0.1", node.port)
        eventually(self._complete, "the cluster does not come together")

    def _complete(self) -> bool:
        slots = [self.command(i, "CLUSTER", "SLOTS") for i in range(3)]
        return self.well() and all(len(listed) == 3 for listed in slots)  # type: ignore[arg-type]


@contextlib.contextmanager
def server(folder: Path, *options: str, unix: bool = False) -> Iterator[Server]:
    """A server that ends with the block; skips the test that asks for it where there is none."""
    made = Server(folder, *options, socket_path=folder / "sock" if unix else None)
    try:
        yield made
    finally:
        made.kill()


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A cluster that ends with the block; skips as `server` does."""
    made = Cluster(folder)
    try:
        yield made
    finally:
        made.kill()
