"""What is seen of processes, and what of their memory."""

import subprocess
import sys

import pytest

from loadtest.processes import cpu_seconds
from loadtest.result import Sample
from loadtest.soak import growth
from loadtest.watch import Watched, watching

SPIN = (
    "import sys\nprint(flush=True)\nfor line in sys.stdin:\n  sum(range(10**6)); print(flush=True)"
)


def test_cpu_and_memory_of_a_process_are_seen() -> None:
    command = [sys.executable, "-u", "-c", SPIN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        before = cpu_seconds(process.pid)
        with watching(Watched("spinning", process.pid), 1.0) as usage:
            while cpu_seconds(process.pid) - before < 0.1:
                process.stdin.write(b"\n")
                process.stdin.flush()
                process.stdout.readline()
        process.stdin.close()
    assert usage.cpu_seconds > 0.05
    assert usage.store_cpu_seconds == 0
    assert usage.samples
    assert usage.samples[-1].resident_bytes > 1_000_000


def test_a_server_that_ends_under_load_is_an_error() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process,
        pytest.raises(RuntimeError, match=f"brief: process {process.pid} ended under load"),
        watching(Watched("brief", process.pid), 1.0),
    ):
        process.communicate(b"\n")


def test_growth_is_from_after_the_warm_up_to_the_end() -> None:
    megabytes = [100 + 10 * min(i, 20) for i in range(120)]  # up to 300 in the first sixth
    flat = [Sample(float(i), 0.5, each * 1_000_000) for i, each in enumerate(megabytes)]
    assert growth(flat) == 0
    rising = [Sample(float(i), 0.5, 1_000_000 + 1_000 * i) for i in range(120)]
    assert growth(rising) == pytest.approx((1_000 * (113.5 - 25.5)) / 1_025_500, rel=1e-3)
    with pytest.raises(ValueError, match="seen 3 times, too few"):
        growth(flat[:3])
