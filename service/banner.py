"""What the start says: what is served, from where, and a request to try."""

import http.client
import shlex
import threading
import time
from collections.abc import Container
from importlib.metadata import version

import click
import orjson

from bandit import Model
from service.config import Settings
from service.errors import STATUS_OK
from service.stores import open_store

__all__ = ["announce", "banner"]

READY_S = 600.0
POLL_S = 0.05
EXAMPLES = 5


def announce(settings: Settings) -> None:
    """Print the banner from a thread, as soon as the service is ready."""
    threading.Thread(target=_announce, args=(settings,), daemon=True).start()


def _announce(settings: Settings) -> None:
    text = banner(settings)
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if _is_ready(settings.server.host, settings.server.port):
            click.echo(text)
            return
        time.sleep(POLL_S)
    click.echo(f"not ready after {READY_S:.0f} s; /health says why", err=True)


def _is_ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == STATUS_OK
    except OSError:
        return False
    finally:
        connection.close()


def banner(settings: Settings) -> str:
    """Return the text: address, store, models and a curl line over ids that are in the store."""
    default = settings.models.by_name[settings.models.default]
    with open_store(settings.store) as store:
        tables = store.tables()
        known = next((ids.tolist() for ids, _ in store.scan(default.entity_type, EXAMPLES)), [])
    server = settings.server
    url = f"http://{_reachable(server.host)}:{server.port}"
    rows = ", ".join(f"{name} {table.rows:,} rows" for name, table in tables.items())
    title = f"bandit-serve {version('bandit-serve')} answers at {url}/predict"
    lines = [
        f"{title} ({server.workers} workers; documentation at {url}/docs)",
        f"  config  {settings.source}",
        f"  store   {settings.store.path}: {rows or 'empty, every candidate gets the prior'}",
        *(f"  model   {_described(model, tables)}" for model in settings.models.by_name.values()),
        "Try:",
        f"  {_curl(url, default, known)}",
    ]
    return "\n".join(lines)


def _described(model: Model, tables: Container[str]) -> str:
    prior = f"Beta({model.prior.alpha:g}, {model.prior.beta:g})"
    policy = type(model.policy).__name__
    absent = "" if model.entity_type in tables else " (no such table yet: all get the prior)"
    return (
        f"{model.name} version {model.version}: {policy} on {model.entity_type}{absent}, "
        f"prior {prior}"
    )


def _curl(url: str, model: Model, known: list[str]) -> str:
    plain = model.entity.text == "{candidate}"
    request: dict[str, object] = {"candidates": known if plain and known else ["a", "b", "c"]}
    if model.entity.keys:
        request["context"] = dict.fromkeys(model.entity.keys, "x")
    body = shlex.quote(orjson.dumps(request).decode())
    return f"curl -s {url}/predict -H 'content-type: application/json' -d {body}"


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104
