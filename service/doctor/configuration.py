"""The effective configuration, each value with what said it, and no secrets."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from service.config import Settings
from service.doctor.section import Section, Sourced
from service.origins import Setting

__all__ = ["configuration", "shown"]

SECRET = ("token", "password", "secret")
HIDDEN = "(hidden)"


def configuration(settings: Settings) -> Section:
    """Return every setting: its value, and the file, variable or other origin of it."""
    facts: dict[str, object] = {"file": settings.source}
    for setting in sorted(settings.values, key=lambda setting: setting.name):
        source = " ".join(filter(None, (setting.origin, setting.place)))
        facts[setting.name] = Sourced(shown(setting), source)
    return Section("configuration", facts)


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
