"""Refusing predictions early and cheaply: other answers go without what a refusal costs."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from typing import Any

from starlette.types import Receive, Scope, Send

from service.admission import Admission
from service.counts import Counts
from service.decision_id import new_decision_id
from service.errors import Overloaded
from service.lifecycle import Lifecycle
from service.predict import Predict
from service.problem_log import log_problem
from service.reply import CLOSE, reply
from service.stages import Stages
from service.trace import trace_id, valid_traceparent

__all__ = ["Shed"]

UNREAD_BYTES = 32 << 10
LOG_EVERY_S = 1.0


class Shed:
    """The ASGI endpoint in front of another, for what comes while the limit is reached.

    A request with a small body is answered 429 before its body is read, which would double the cost
    of the answer. The server throws such a body away when it comes.
    """

    def __init__(
        self, endpoint: Predict, admission: Admission, lifecycle: Lifecycle, counts: Counts
    ) -> None:
        self.endpoint = endpoint
        self.codec = endpoint.codec
        self.admission = admission
        self.lifecycle = lifecycle
        self.counts = counts
        self._unlogged = 0
        self._waits = False
        self._latest: tuple[Overloaded, dict[str, object]]

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Answer one request, or have it answered."""
        if self.admission.full and _is_small(headers := dict(scope["headers"])):
            trace = valid_traceparent(headers.get(b"traceparent"))
            return self._refuse(send, scope["path"], trace)
        return self.endpoint(scope, receive, send)

    async def _refuse(self, send: Send, path: str, trace: bytes | None) -> None:
        began = time.monotonic()
        problem = Overloaded(self.admission.limit)
        decision_id = new_decision_id()
        traced = {"trace_id": trace_id(trace)} if trace else {}
        self._log(problem, path=path, decision_id=decision_id, **traced)
        self.counts.problem(problem)
        self.counts.answer(self.codec.protocol, problem.status)
        self.counts.took(problem.status, time.monotonic() - began, Stages())
        headers, document = self.codec.refuse(problem, decision_id)
        headers += [*problem.headers, (b"x-decision-id", decision_id.encode())]
        headers += [(b"traceparent", trace)] if trace else []
        headers += [CLOSE] if self.lifecycle.leaving else []
        await reply(send, problem.status, headers, document)

    def _log(self, problem: Overloaded, **fields: object) -> None:
        """Log once a second: a line costs as much as the rest of a refusal."""
        self._unlogged += 1
        self._latest = problem, fields
        if not self._waits:
            self._write()

    def _write(self) -> None:
        self._waits = self._unlogged > 0
        if self._waits:
            problem, fields = self._latest
            log_problem(problem, problem, **fields, refused=self._unlogged)
            self._unlogged = 0
            asyncio.get_running_loop().call_later(LOG_EVERY_S, self._write)


def _is_small(headers: Mapping[bytes, bytes]) -> bool:
    length = headers.get(b"content-length", b"")
    return length.isdigit() and int(length) <= UNREAD_BYTES
