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
from service.catalogs.settings import CatalogSettings
from service.config import ServerSettings, Settings
from service.errors import STATUS_OK
from service.stores.choice import StoreChoice
from service.stores.kind import StoreKind
from service.stores.listing import listed
from service.stores.opening import name_of, open_store

__all__ = ["announce", "banner"]

READY_S = 600.0
POLL_S = 0.05
LISTED_S = 2.0
EXAMPLES = 5


def announce(settings: Settings) -> None:
    """Print the banner from a thread, as soon as the service is ready."""
    threading.Thread(target=_announce, args=(settings,), daemon=True).start()


def _announce(settings: Settings) -> None:
    if settings.store.kind is not StoreKind.EMBEDDED:
        waiting = f"waiting for {name_of(settings, StoreChoice())}"
        click.echo(f"bandit-serve listens at {_url(settings.server)}, {waiting}")
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if _is_ready(settings.server.host, settings.server.port):
            click.echo(banner(settings))
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
    """Return the text: address, store, models and a curl line."""
    default = settings.models.by_name[settings.models.default]
    if settings.store.kind is StoreKind.EMBEDDED:
        store, tables, known = _embedded(settings, default.entity_type)
    else:
        store, tables, known = *_remote(settings), []
    server, url = settings.server, _url(settings.server)
    title = f"bandit-serve {version('bandit-serve')} answers at {url}/predict"
    lines = [
        f"{title} ({server.workers} workers; documentation at {url}/docs)",
        f"  config  {settings.source}",
        f"  store   {store}",
        *(f"  model   {_described(model, tables)}" for model in settings.models.by_name.values()),
        *(f"  catalog {_kept(catalog)}" for catalog in settings.catalogs.values()),
        "Try:",
        f"  {_curl(url, _request(default, known))}",
        *(f"  {_curl(url, _whole(name))}" for name in settings.catalogs),
    ]
    return "\n".join(lines)


def _embedded(settings: Settings, entity_type: str) -> tuple[str, Container[str] | None, list[str]]:
    """Return what is in the embedded store, its tables, and some ids of one of them."""
    with open_store(settings.store) as store:
        tables = store.tables()
        known = next((ids.tolist() for ids, _ in store.scan(entity_type, EXAMPLES)), [])
    rows = ", ".join(f"{name} {table.rows:,} rows" for name, table in tables.items())
    text = f"{settings.store.path}: {rows or 'empty, every candidate gets the prior'}"
    return text, tables, known


def _remote(settings: Settings) -> tuple[str, Container[str] | None]:
    """Return the name of a store over a network and its tables, None when they can't be told."""
    name, tables = name_of(settings, StoreChoice()), listed(settings, LISTED_S)
    if tables is None:
        return name, None
    return f"{name}: {', '.join(tables) or 'empty, every candidate gets the prior'}", tables


def _url(server: ServerSettings) -> str:
    return f"http://{_reachable(server.host)}:{server.port}"


def _described(model: Model, tables: Container[str] | None) -> str:
    prior = f"Beta({model.prior.alpha:g}, {model.prior.beta:g})"
    policy = type(model.policy).__name__
    known = tables is None or model.entity_type in tables
    absent = "" if known else " (no such table yet: all get the prior)"
    return (
        f"{model.name} version {model.version}: {policy} on {model.entity_type}{absent}, "
        f"prior {prior}"
    )


def _kept(catalog: CatalogSettings) -> str:
    place = catalog.path or f"table {catalog.model.entity_type}"
    return f"{catalog.name}: {place}, read every {catalog.refresh_s:g} s"


def _request(model: Model, known: list[str]) -> dict[str, object]:
    plain = model.entity.text == "{candidate}"
    request: dict[str, object] = {"candidates": known if plain and known else ["a", "b", "c"]}
    if model.entity.keys:
        request["context"] = dict.fromkeys(model.entity.keys, "x")
    return request


def _whole(catalog: str) -> dict[str, object]:
    return {"candidates": {"catalog": catalog}, "top_k": EXAMPLES}


def _curl(url: str, request: dict[str, object]) -> str:
    body = shlex.quote(orjson.dumps(request).decode())
    return f"curl -s {url}/predict -H 'content-type: application/json' -d {body}"


def _reachable(host: str) -> str:
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"[{local}]" if ":" in local and not local.startswith("[") else local
