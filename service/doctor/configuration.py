"""The effective configuration, each value with what said it, and no secrets."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from service.config import Settings
from service.doctor.section import Section, Sourced
from service.origins import Setting

__all__ = ["configuration", "declared_catalogs", "shown"]

SECRET = ("token", "password", "secret")
HIDDEN = "(hidden)"


def configuration(settings: Settings) -> Section:
    """Return every setting: its value, and the file, variable or other origin of it."""
    facts: dict[str, object] = {"file": settings.source}
    for setting in sorted(settings.values, key=lambda setting: setting.name):
        source = " ".join(filter(None, (setting.origin, setting.place)))
        facts[setting.name] = Sourced(shown(setting), source)
    return Section("configuration", facts)


def declared_catalogs(settings: Settings) -> Section:
    """Return the catalogues, and where each is built from."""
    facts: dict[str, object] = {
        name: {
            "model": catalog.model.name,
            "source": catalog.path or f"table {catalog.model.entity_type}",
            "tags": list(catalog.tags),
            "refresh_s": catalog.refresh_s,
        }
        for name, catalog in settings.catalogs.items()
    }
    problems = [
        f"catalogs.{name}.path is {catalog.path!r}, which is no file"
        for name, catalog in settings.catalogs.items()
        if catalog.path and not Path(catalog.path).is_file()
    ]
    return Section("catalogues", facts or {"declared": 0}, problems)


def shown(setting: Setting) -> object:
    """Return a value without a secret that it is, or that is in it."""
    if any(word in setting.name.rpartition(".")[2] for word in SECRET) and setting.value:
        return HIDDEN
    return _without_account(setting.value)


def _without_account(value: object) -> object:
    """Return a value, and of a URL its scheme, host and path: an account may be in the rest."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without_account(item) for item in value]
    if not isinstance(value, str) or "://" not in value:
        return value
    parts = urlsplit(value)
    _, mark, host = parts.netloc.rpartition("@")
    account = f"{HIDDEN}@" if mark else ""
    query = f"?{HIDDEN}" if parts.query else ""
    return f"{parts.scheme}://{account}{host}{parts.path}{query}"
