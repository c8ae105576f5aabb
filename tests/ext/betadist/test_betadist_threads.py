"""Threads that live on between calls: shared, within the quota, safe to fork and exit."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import betadist
from betadist import _core

DTYPES = ("float32", "float64")
ALLOWED = len(os.sched_getaffinity(0))
WORKERS = 5


@pytest.fixture(autouse=True)
def six_threads() -> Iterator[None]:
    before = _core.limit_threads(WORKERS + 1)
    yield
    _core.limit_threads(before)


def shapes(dtype: str, n: int) -> tuple[NDArray, NDArray]:
    rng = np.random.default_rng(41)
    return rng.uniform(0.3, 5, n).astype(dtype), rng.uniform(0.3, 50, n).astype(dtype)


def thread_count() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [32_767, 32_768, 98_304, 300_007])
def test_the_number_of_threads_does_not_matter(dtype: str, n: int) -> None:
    alpha, beta = shapes(dtype, n)
    drawn = betadist.sample(alpha, beta, 1).tobytes()
    for threads in range(2, WORKERS + 3):
        for _ in range(3):
            assert betadist.sample(alpha, beta, 1, threads=threads).tobytes() == drawn


def test_concurrent_callers_each_get_their_own_draws() -> None:
    sizes = [70_000, 40_000, 300_000, 100, 100_000, 33_000]
    drawn: dict[int, set[bytes]] = {n: set() for n in sizes}
    best: dict[int, set[bytes]] = {n: set() for n in sizes}

    def call(n: int) -> None:
        alpha, beta = shapes("float32", n)
        for threads in (6, 2, 3, 6, 1, 6):
            drawn[n].add(betadist.sample(alpha, beta, n, threads=threads).tobytes())
            indices, _ = betadist.sample_top_k(alpha, beta, n, 50, threads=threads)
            best[n].add(indices.tobytes())

    callers = [threading.Thread(target=call, args=(n,)) for n in sizes]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    for n in sizes:
        alone = betadist.sample(*shapes("float32", n), n)
        assert drawn[n] == {alone.tobytes()}
        assert best[n] == {np.argsort(-alone, kind="stable")[:50].tobytes()}


def test_threads_are_kept_not_added() -> None:
    alpha, beta = shapes("float32", 200_000)
    betadist.sample(alpha, beta, 1, threads=WORKERS + 1)
    alpha, beta = alpha[:40_000], beta[:40_000]
    before = thread_count()
    for key in range(1000):
        betadist.sample(alpha, beta, key, threads=WORKERS + 1)
    assert thread_count() == before


@pytest.fixture
def no_forced_switches() -> Iterator[None]:
    """Let no thread take the GIL from another that doesn't drop it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("select", [False, True])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.usefixtures("no_forced_switches")
def test_other_python_threads_go_on_during_a_call(select: bool, threads: int) -> None:
    alpha, beta = shapes("float64", 100_000)
    steps = 0
    stop = threading.Event()

    def step() -> None:
        nonlocal steps
        while not stop.is_set():
            steps += 1
            time.sleep(0)  # drops the GIL

    def steps_during_a_call() -> int:
        before = steps
        if select:
            betadist.sample_top_k(alpha, beta, 1, 10, threads=threads)
        else:
            betadist.sample(alpha, beta, 1, threads=threads)
        return steps - before

    stepper = threading.Thread(target=step)
    stepper.start()
    try:
        # The system may not let the other thread run during one call, but during one of a thousand.
        assert any(steps_during_a_call() for _ in range(1000))
    finally:
        stop.set()
        stepper.join()


def run(code: str) -> str:
    """What `code` prints in an interpreter of its own, which must end by itself."""
    prelude = f"""
import os, sys, threading
from pathlib import Path
import numpy as np
import betadist
from betadist import _core
def thread_count():
    return len(list(Path("/proc/self/task").iterdir()))
alpha, beta = np.full(300_000, 2.0), np.full(300_000, 3.0)
WORKERS = {WORKERS}
"""
    ended = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", prelude + code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


HELPERS = """
before = set(os.listdir("/proc/self/task"))
allowed = os.sched_getaffinity(0)
def masks():
    return [os.sched_getaffinity(int(id)) for id in set(os.listdir("/proc/self/task")) - before]
def masks_after_a_call_from(cpu, threads):
    os.sched_setaffinity(0, {cpu})
    os.sched_setaffinity(0, allowed)
    betadist.sample(alpha, beta, 1, threads=threads)
    return masks()
# The system may move the caller before it calls, but not each time.
def are_kept_off(cpu, helpers):
    expected = [allowed - {cpu}] * helpers
    return any(masks_after_a_call_from(cpu, helpers + 1) == expected for _ in range(100))
"""


@pytest.mark.skipif(ALLOWED < 2, reason="needs two CPUs")
def test_helpers_may_not_run_where_their_caller_does() -> None:
    code = """
_core.limit_threads(3)
for cpu in sorted(allowed)[:2]:
    print(are_kept_off(cpu, 2))
"""
    assert run(HELPERS + code).split() == ["True", "True"]


@pytest.mark.skipif(ALLOWED < 2, reason="needs two CPUs")
def test_helpers_of_a_caller_that_may_use_one_cpu_may_use_others_later() -> None:
    code = """
_core.limit_threads(2)
cpu = min(allowed)
os.sched_setaffinity(0, {cpu})
betadist.sample(alpha, beta, 1, threads=2)
print(masks() == [{cpu}])
print(are_kept_off(cpu, 1))
"""
    assert run(HELPERS + code).split() == ["True", "True"]


@pytest.mark.skipif(ALLOWED < 2, reason="needs two CPUs")
def test_many_helpers_may_run_anywhere() -> None:
    code = """
_core.limit_threads(18)
print(are_kept_off(min(allowed), 2))
betadist.sample(alpha, beta, 1, threads=18)
print(masks() == [allowed] * 17)
"""
    assert run(HELPERS + code).split() == ["True", "True"]


@pytest.mark.parametrize("asked", [2, 64, 10**9])
def test_no_more_threads_than_the_quota(asked: int) -> None:
    code = f"""
before = thread_count()
betadist.sample(alpha, beta, 1)
print(thread_count() - before)
betadist.sample(alpha, beta, 1, threads={asked})
print(thread_count() - before)
"""
    expected = min(asked, betadist.cpu_quota(), 300_000 // 16384) - 1
    assert run(code) == f"0\n{expected}\n"


def test_the_pool_grows_to_what_is_asked() -> None:
    code = """
before = thread_count()
_core.limit_threads(WORKERS + 1)
for threads in (1, 3, 2, 6, 99):
    betadist.sample(alpha, beta, 1, threads=threads)
    print(thread_count() - before)
"""
    assert run(code).split() == ["0", "2", "2", "5", "5"]


def test_a_forked_child_draws_with_threads_of_its_own() -> None:
    code = """
_core.limit_threads(WORKERS + 1)
expected = betadist.sample(alpha, beta, 1, threads=6).tobytes()
stop = threading.Event()
def call():
    while not stop.is_set():
        betadist.sample(alpha, beta, 1, threads=6)
callers = [threading.Thread(target=call) for _ in range(2)]
for caller in callers:
    caller.start()
for _ in range(10):
    child = os.fork()
    if child == 0:
        _core.limit_threads(WORKERS + 1)
        same = betadist.sample(alpha, beta, 1, threads=6).tobytes() == expected
        os._exit(0 if same and thread_count() == 6 else 1)
    print(os.waitpid(child, 0)[1])
stop.set()
for caller in callers:
    caller.join()
"""
    assert run(code).split() == ["0"] * 10


@pytest.mark.parametrize("how", ["pass", "sys.exit(0)", "os._exit(0)"])
def test_the_process_ends_while_threads_draw(how: str) -> None:
    code = f"""
_core.limit_threads(WORKERS + 1)
drawing = threading.Event()
def call():
    while True:
        betadist.sample(alpha, beta, 1, threads=6)
        betadist.sample_top_k(alpha, beta, 1, 1000, threads=6)
        drawing.set()
for _ in range(3):
    threading.Thread(target=call, daemon=True).start()
drawing.wait()
{how}
"""
    assert run(code) == ""


def groups(folder: Path, own: str, files: dict[str, str]) -> tuple[Path, Path]:
    """A tree of control groups and the file that says which ones the process is in."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "own").write_text(own)
    return folder, folder / "own"


V1 = "5:memory:/m\n4:cpu,cpuacct:/a/b\n1:name=systemd:/x:y\n"


@pytest.mark.parametrize(
    ("own", "files", "cpus"),
    [
        ("0::/\n", {"cpu.max": "100000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "100001 100000\n"}, min(2, ALLOWED)),
        ("0::/\n", {"cpu.max": "max 100000\n"}, ALLOWED),
        ("0::/\n", {"cpu.max": "nonsense"}, ALLOWED),
        ("0::/\n", {"cpu.max": "99900000 100000\n"}, min(999, ALLOWED)),
        ("0::/\n", {}, ALLOWED),
        ("", {"cpu.max": "100000 100000\n"}, 1),
        ("0::/a/b\n", {"a/b/cpu.max": "100000 100000\n", "a/cpu.max": "max 100000\n"}, 1),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "9000 100000\n"}, 1),
        ("0::/a/b\n", {"cpu.max": "100000 100000\n"}, 1),
        ("0::/a/b\n", {"a/c/cpu.max": "100000 100000\n"}, ALLOWED),
        (V1, {"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        (V1, {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, ALLOWED),
        (
            V1,
            {"cpu,cpuacct/a/cpu.cfs_quota_us": "1", "cpu,cpuacct/a/cpu.cfs_period_us": "100000"},
            1,
        ),
        (V1, {"cpu/a/b/cpu.cfs_quota_us": "1", "cpu/a/b/cpu.cfs_period_us": "100000"}, 1),
        (V1, {"cpu/b/cpu.cfs_quota_us": "1", "cpu/b/cpu.cfs_period_us": "100000"}, ALLOWED),
    ],
)
def test_quota_of_the_control_groups(
    tmp_path: Path, own: str, files: dict[str, str], cpus: int
) -> None:
    assert betadist.cpu_quota(*groups(tmp_path, own, files)) == cpus


def test_quota_without_control_groups(tmp_path: Path) -> None:
    assert betadist.cpu_quota(tmp_path / "none", tmp_path / "none") == ALLOWED


def test_the_affinity_mask_limits() -> None:
    mask = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(mask)})
    try:
        assert betadist.cpu_quota() == 1
    finally:
        os.sched_setaffinity(0, mask)
