"""Starts the workers, says what they serve, and drains them on SIGTERM."""

import logging
import multiprocessing
import os
import resource
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer, WorkerProcess

from service.app import Service, create_app
from service.banner import announce
from service.catalogs.rows import table_problem
from service.config import ConfigError, ServerSettings, Settings
from service.http import run_worker
from service.lifecycle import LEAVING, SERVING, Lifecycle, SharedFlag
from service.logs import log_config
from service.metrics import figures_folder
from service.ports import port_problem
from service.sampling.sampling import Sampling
from service.stores.kind import StoreKind
from service.stores.listing import Listing
from service.stores.opening import open_store
from service.stores.serving import open_serving

__all__ = ["check_start", "serve"]

log = logging.getLogger("bandit_serve.launcher")

STARTING_S = 10.0


class DrainingServer(MPServer):
    """A Granian server that leaves the balancers before it closes its socket.

    SIGTERM or SIGINT: health answers 503 while requests are answered, for `drain_delay_s`; then
    the workers stop accepting and finish what is in flight, for `drain_timeout_s` at most.
    A second signal skips the delay.
    """

    def __init__(self, flag: SharedFlag, settings: ServerSettings, **options: Any) -> None:
        super().__init__("bandit-serve", **options)
        self._flag = flag
        self._settings = settings
        self._hurry = threading.Event()
        self._spawned: dict[int, WorkerProcess] = {}  # one is in `wrks` only when it has started

    def signal_handler_interrupt(self, *_: object, **__: object) -> None:
        """Begin to leave; runs in the main thread, as a signal handler."""
        if self._flag.value == LEAVING:
            self._hurry.set()
            return
        self._flag.value = LEAVING
        self.respawn_failed_workers = False
        # A worker that starts yet may hear Ctrl-C itself, and ends.
        for worker in self._spawned.values():
            worker.interrupt_by_parent = time.monotonic() - worker.birth < STARTING_S
        threading.Thread(target=self._leave, daemon=True).start()

    def _spawn_worker(self, *args: Any, **kwargs: Any) -> WorkerProcess:
        worker: WorkerProcess = super()._spawn_worker(*args, **kwargs)
        worker.start = partial(_start, worker.start)  # type: ignore[method-assign]
        worker.terminate = partial(_interrupt, worker)  # type: ignore[method-assign]
        self._spawned[worker.idx] = worker
        return worker

    def _leave(self) -> None:
        self._hurry.wait(self._settings.drain_delay_s)
        super().signal_handler_interrupt()  # type: ignore[no-untyped-call]
        time.sleep(self._settings.drain_timeout_s)
        log.error("killing workers that did not finish in time")
        for worker in self.wrks:
            worker.kill()  # type: ignore[no-untyped-call]


def _start(start: Callable[[], None]) -> None:
    """Start a worker that SIGTERM doesn't reach, from its first moment on, nor SIGINT too early.

    A process manager may send SIGTERM to every process of the service. The launcher hears it, lets
    the balancers know, and ends its workers in time, by a SIGINT that each heeds once it can.
    """
    resource_tracker.ensure_running()  # else the start begins with that, which unblocks them
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _interrupt(worker: WorkerProcess) -> None:
    """End a worker by SIGINT, which it heeds."""
    worker.interrupt_by_parent = True
    with suppress(ProcessLookupError):
        os.kill(worker.inner.pid, signal.SIGINT)


def serve(settings: Settings) -> None:
    """Serve until a signal ends it; returns when every worker has stopped."""
    # LMDB forbids an environment across a fork, so workers start from a fresh interpreter.
    multiprocessing.set_start_method("spawn", force=True)
    flag = multiprocessing.get_context("spawn").RawValue("i", SERVING)
    server = settings.server
    _allow_connections()
    granian = DrainingServer(
        flag,
        server,
        address=server.host,
        port=server.port,
        interface=Interfaces.ASGI,
        workers=server.workers,
        log_level=LogLevels.warning,
        log_dictconfig=log_config(server.log_level),
        respawn_failed_workers=True,
    )
    granian.on_startup(partial(announce, settings))
    with figures_folder() as figures, _catalogs_folder(settings) as catalogs:
        granian.serve(spawn_target=partial(work, settings, flag, figures, catalogs))


def _allow_connections() -> None:
    """Raise the limit on open files as far as this user may; workers inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextmanager
def _catalogs_folder(settings: Settings) -> Iterator[Path | None]:
    """Make the folder that the workers share snapshots in, if there are any; remove it at the end.

    They may be large, so it isn't in memory unless TMPDIR is.
    """
    if not settings.catalogs:
        yield None
        return
    folder = tempfile.TemporaryDirectory(prefix="bandit-serve-", ignore_cleanup_errors=True)
    with folder as name:
        yield Path(name)


def work(
    settings: Settings, flag: SharedFlag, figures: Path, catalogs: Path | None, *_: object
) -> None:
    """Be one worker, in a process of its own; Granian's arguments concern its own HTTP."""
    run_worker(partial(load_worker, settings, flag, figures, catalogs), settings.server)


def load_worker(
    settings: Settings, flag: SharedFlag, figures: Path, catalogs: Path | None
) -> Service:
    """Return the application of one worker."""
    # In a process group of its own, so that Ctrl-C reaches the launcher alone, which drains.
    os.setpgid(0, 0)
    _end_with_parent([folder for folder in (figures, catalogs) if folder])
    sampling = Sampling(settings.sampler, figures)
    store, lifecycle = open_serving(settings.store), Lifecycle(flag)
    return create_app(settings, store, lifecycle, figures, catalogs, sampling=sampling)


def check_start(settings: Settings) -> None:
    """Find what would stop the workers.

    Raises
    ------
    ConfigError
        The port is taken, or the table of a model or a catalogue lacks features of it.
    StoreError
        There is no embedded store, or it can't be read. One over a network may come up later.
    """
    problems = _table_problems(settings) if settings.store.kind is StoreKind.EMBEDDED else []
    problems += _port_problems(settings.server)
    if problems:
        raise ConfigError(settings.source, problems)


def _table_problems(settings: Settings) -> list[str]:
    with open_store(settings.store) as store:
        tables = store.features()
    of_models = [
        f"models.{model.name}.features is {list(model.features)}, but the table "
        f"{model.entity_type!r} in {settings.store.path} has {list(features)}"
        for model in settings.models.by_name.values()
        if (features := tables.get(model.entity_type)) and not set(model.features) <= set(features)
    ]
    return of_models or _catalog_problems(settings, tables)


def _catalog_problems(settings: Settings, tables: Listing) -> list[str]:
    """Return what waiting can't mend; a table that isn't there yet may come."""
    place = str(settings.store.path)
    return [
        f"catalogs.{name}: in {place} {problem}"
        for name, catalog in settings.catalogs.items()
        if not catalog.path and catalog.model.entity_type in tables
        if (problem := table_problem(catalog, tables, place))
    ]


def _port_problems(server: ServerSettings) -> list[str]:
    problem = port_problem(server.host, server.port)
    return [f"server.host:port is {server.host}:{server.port}: {problem}"] if problem else []


def _end_with_parent(folders: Sequence[Path]) -> None:
    """Stop this worker when the launcher dies, even by kill -9, so that the port is set free.

    The folders that the launcher would have removed go too.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_then_stop, args=(parent.join, folders), daemon=True).start()


def _wait_then_stop(wait: Callable[[], None], folders: Sequence[Path]) -> None:
    wait()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGINT)
