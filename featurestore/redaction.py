"""URLs as errors may show them."""

import re

__all__ = ["without_password"]

NO_PORT = re.compile(r"^([^/?:\[]*):(?!\d*(?:[/?]|$))[^/?]*")


def without_password(url: str) -> str:
    """Put three stars in the place of a URL's password, and of all that could be meant as one."""
    shown = re.sub(r"(password=)[^&]*", r"\1***", url)
    scheme, mark, rest = shown.partition("://") if "://" in shown else ("", "", shown)
    account, at, host = rest.rpartition("@")
    if not at:
        return scheme + mark + NO_PORT.sub(r"\1:***", rest)
    user, colon, _ = account.partition(":")
    return f"{scheme}{mark}{user}{':***' if colon else ''}@{host}"
