"""A path of predictions, for a server that has read a whole request."""

from collections.abc import Coroutine, Mapping
from typing import Any

from service.oip.answer import HEADER_LENGTH
from service.predict import Call
from service.reply import Answer
from service.shed import Shed

__all__ = ["FIELDS", "Entrance"]

# of a head, that predictions are answered by
FIELDS = (b"content-encoding", b"content-type", HEADER_LENGTH, b"traceparent")


class Entrance:
    """What ASGI offers in front of a prediction, without messages, scope and task.

    Attributes
    ----------
    most_bytes : int
        A larger body is for the ASGI endpoint to refuse.
    """

    def __init__(self, shed: Shed, path: str, names: Mapping[str, str]) -> None:
        self.most_bytes = shed.endpoint.max_body_bytes
        self._shed = shed
        self._endpoint = shed.endpoint
        self._path = path
        self._names = names

    def admit(self, headers: dict[bytes, bytes]) -> Answer | None:
        """Give a place to a request whose turn has come, or return its refusal."""
        return self._shed.place(self._path, headers)

    def respond(self, headers: dict[bytes, bytes], body: bytes) -> Coroutine[Any, Any, Answer]:
        """Answer a request that has a place."""
        return self._endpoint.respond(Call(self._path, self._names, headers, body))
