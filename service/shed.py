"""Refusing predictions early and cheaply: other answers go without what a refusal costs."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

from starlette.types import Receive, Scope, Send

from service.admission import ADMITTED, Admission
from service.counts import Counts
from service.decision_id import new_decision_id
from service.errors import Overloaded
from service.lifecycle import Lifecycle
from service.predict import Predict
from service.problem_log import log_problem
from service.reply import CLOSE, Answer, reply
from service.stages import Stages
from service.trace import trace_id, valid_traceparent

__all__ = ["Shed"]

UNREAD_BYTES = 32 << 10
LOG_EVERY_S = 1.0
NO_STAGES = Stages()


class Shed:
    """The ASGI endpoint in front of another: gives a place to each request, or refuses it.

    A request with a small body is refused before its body is read, which would double the cost of
    the answer. The server throws such a body away when it comes.
    """

    def __init__(
        self, endpoint: Predict, admission: Admission, lifecycle: Lifecycle, counts: Counts
    ) -> None:
        self.endpoint = endpoint
        self.codec = endpoint.codec
        self.admission = admission
        self.lifecycle = lifecycle
        self.counts = counts
        self._problem = Overloaded(admission.limit)
        self._unlogged = 0
        self._waits = False
        self._latest: tuple[str, str, bytes | None]

    def admit(self, scope: Scope) -> Answer | None:
        """Give a request a place, or return the answer to one that is one too many.

        A server that asks as soon as it has read a head needs no task for a refusal. One with a
        large body gets neither: the endpoint refuses it, and looks after the body.
        """
        headers = dict(scope["headers"])
        if self.admission.full and not _is_small(headers):
            return None
        refusal = self.place(scope["path"], headers)
        if refusal is None:
            scope[ADMITTED] = True
        return refusal

    def place(self, path: str, headers: Mapping[bytes, bytes]) -> Answer | None:
        """Give a place to a request, or return its refusal."""
        if self.admission.full:
            return self._refusal(path, headers)
        self.admission.enter()
        return None

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Answer one request, or have it answered."""
        serve = self.endpoint if ADMITTED in scope else self._unasked
        return serve(scope, receive, send)

    async def _unasked(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit a request here, as its server did not."""
        refusal = self.admit(scope)
        if refusal is not None:
            await reply(send, *refusal)
            return
        try:
            await asyncio.sleep(0)  # all that has arrived is counted before any is answered
        except asyncio.CancelledError:
            self.admission.leave()
            raise
        await self.endpoint(scope, receive, send)

    def _refusal(self, path: str, headers: Mapping[bytes, bytes]) -> Answer:
        trace = valid_traceparent(headers.get(b"traceparent"))
        problem, decision_id = self._problem, new_decision_id()
        self._log(path, decision_id, trace)
        self.counts.problem(problem)
        self.counts.answer(self.codec.protocol, problem.status)
        self.counts.took(problem.status, 0.0, NO_STAGES)
        named, document = self.codec.refuse(problem, decision_id)
        named += [*problem.headers, (b"x-decision-id", decision_id.encode())]
        named += [(b"traceparent", trace)] if trace else []
        named += [CLOSE] if self.lifecycle.leaving else []
        return problem.status, named, document

    def _log(self, path: str, decision_id: str, trace: bytes | None) -> None:
        """Log once a second: a line costs as much as the rest of a refusal."""
        self._unlogged += 1
        self._latest = path, decision_id, trace
        if not self._waits:
            self._write()

    def _write(self) -> None:
        self._waits = self._unlogged > 0
        if self._waits:
            path, decision_id, trace = self._latest
            fields = {"trace_id": trace_id(trace)} if trace else {}
            problem, refused = self._problem, self._unlogged
            log_problem(
                problem, problem, path=path, decision_id=decision_id, **fields, refused=refused
            )
            self._unlogged = 0
            asyncio.get_running_loop().call_later(LOG_EVERY_S, self._write)


def _is_small(headers: Mapping[bytes, bytes]) -> bool:
    length = headers.get(b"content-length", b"")
    return length.isdigit() and int(length) <= UNREAD_BYTES
