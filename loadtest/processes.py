"""Servers under test: started, watched through /proc, stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import cycle, islice
from pathlib import Path

__all__ = [
    "accepts",
    "cpu_seconds",
    "end_children_too",
    "free_port",
    "process_tree",
    "ready",
    "resident_bytes",
    "running",
]

START_S = 60.0
STOP_S = 15.0

FIRST, LAST = 21_000, 32_000  # below those for outgoing connections
BUS = 10_000  # a Redis cluster's own port is so much above
START = FIRST + time.monotonic_ns() % (LAST - FIRST)
PORTS: Iterator[int] = cycle((*range(START, LAST), *range(FIRST, START)))


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on, another one each time."""
    for port in islice(PORTS, LAST - FIRST):
        with socket.socket() as one, socket.socket() as bus:
            try:
                one.bind(("127.0.0.1", port))
                bus.bind(("127.0.0.1", port + BUS))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


def ready(port: int) -> None:
    """Raise OSError unless GET /health/ready answers 200."""
    urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5).close()


def accepts(port: int) -> None:
    """Raise OSError unless somebody listens."""
    socket.create_connection(("127.0.0.1", port), timeout=5).close()


@contextmanager
def running(
    command: Sequence[str],
    port: int,
    probe: Callable[[int], None] = ready,
    start_s: float = START_S,
) -> Iterator[int]:
    """Run a server until the block ends; yields its pid once the probe of its port succeeds.

    It is waited for `start_s` seconds.
    """
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _await(process, port, probe, start_s)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(
    process: subprocess.Popen[bytes], port: int, probe: Callable[[int], None], start_s: float
) -> None:
    deadline = time.monotonic() + start_s
    while time.monotonic() < deadline and process.poll() is None:
        try:
            probe(port)
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"{process.args!r} is not ready on port {port}")


def end_children_too() -> None:
    """Have SIGTERM reach what this process started, as Ctrl-C does, before it ends this process."""

    def end(number: int, _: object) -> None:
        for pid in process_tree(os.getpid())[1:]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)


def process_tree(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")  # each thread has its own
    children = [child for task in tasks for child in _read(task).split()]
    return [pid, *(below for child in children for below in process_tree(int(child)))]


def cpu_seconds(pid: int) -> float:
    """Return user + system time of a process and its descendants.

    Raises
    ------
    FileNotFoundError
        The process has ended; descendants may.
    """
    ticks = 0
    for member in process_tree(pid):
        stat = Path(f"/proc/{member}/stat")
        text = stat.read_text() if member == pid else _read(stat)
        if text:
            after_name = text.rpartition(")")[2].split()
            ticks += int(after_name[11]) + int(after_name[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Return resident memory of a process and its descendants, shared pages counted in each."""
    sizes = (_read(Path(f"/proc/{member}/statm")).split() for member in process_tree(pid))
    return os.sysconf("SC_PAGE_SIZE") * sum(int(size[1]) for size in sizes if size)


def _read(file: Path) -> str:
    """Return what /proc says of a process or thread, nothing where it has just ended."""
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
