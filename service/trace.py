"""W3C trace context: a valid traceparent is passed on, anything else is ignored, as it asks."""

import re

__all__ = ["trace_id", "valid_traceparent"]

_TRACEPARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)


def valid_traceparent(header: bytes | None) -> bytes | None:
    """Return the header if it is a traceparent of version 00 or later, else None."""
    return header if header and _TRACEPARENT.fullmatch(header) else None


def trace_id(traceparent: bytes) -> str:
    """Return the trace id of a valid traceparent, for the log."""
    return traceparent[3:35].decode()
