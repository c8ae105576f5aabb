# cython: annotation_typing=True
# What is annotated as a class of predict.pxd is one: its attributes need no look-up.
"""A prediction: from the bytes of a request to the bytes of its answer, one line a stage."""

from collections.abc import Mapping
from functools import partial
from time import monotonic
from typing import Any
from urllib.parse import quote

from starlette.types import Receive, Scope, Send

from bandit import Models, rank
from bandit.crossovers import Draw
from bandit.dispatch import Dispatch
from featurestore import FeatureStore
from service.admission import ADMITTED, Admission
from service.body import Body
from service.catalogs.request import CatalogRequest
from service.codec import Codec
from service.counts import Counts
from service.decision_id import new_decision_id
from service.errors import STATUS_OK, Overloaded, as_problem
from service.features import fetch_features
from service.lifecycle import Lifecycle
from service.problem_log import log_problem
from service.reply import CLOSE, JSON, Answer, Headers, reply
from service.request import PredictRequest
from service.side_threads import SideThreads
from service.stages import Stages
from service.trace import trace_id, valid_traceparent
from service.wire import encode_best

__all__ = ["Call", "Predict"]

GRACE_S = 0.1  # features that came at the deadline are scored, aside if they are many
LIST = Draw.LIST
ARMS_AN_ID = 64  # looking for an id in a catalogue takes as long as so many draws, some 0.3 us


class Call:
    """One request on its way through the stages.

    Attributes
    ----------
    body : bytes or Body
        As bytes it came with the head; a Body is to be read.
    """

    def __init__(
        self,
        path: str,
        names: Mapping[str, str],
        headers: dict[bytes, bytes],
        body: bytes | Body,
    ) -> None:
        self.started = monotonic()
        self.stages = Stages()
        self.path = path
        self.names = names
        self.headers = headers
        self.body = body
        trace = headers.get(b"traceparent")
        self.trace = None if trace is None else valid_traceparent(trace)
        self.decision_id: str | None = None


class Predict:
    """The endpoint of predictions in one protocol."""

    def __init__(
        self,
        codec: Codec[Any],
        models: Models,
        store: FeatureStore,
        admission: Admission,
        lifecycle: Lifecycle,
        counts: Counts,
        max_body_bytes: int,
        sampler: Dispatch,
        side: SideThreads,
    ) -> None:
        self.codec = codec
        self.store = store
        self.admission = admission
        self.lifecycle = lifecycle
        self.counts = counts
        self.max_body_bytes = max_body_bytes
        self.sampler = sampler
        self.side = side
        self._overloaded = Overloaded(admission.limit)
        self.longest_s = max(model.deadline_s for model in models.by_name.values())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        headers = dict(scope["headers"])
        names = scope.get("path_params", {})
        call = Call(scope["path"], names, headers, Body(receive, headers))
        respond = self.respond(call) if ADMITTED in scope else self._refuse(call, self._overloaded)
        await reply(send, *await respond)

    async def respond(self, call: Call) -> Answer:
        """Answer one request, whatever becomes of it; it gives back its place."""
        try:
            headers, answer = await self._answer(call)
            headers.append((b"server-timing", call.stages.header()))
            self._complete(call, STATUS_OK, headers)
            return STATUS_OK, headers, answer
        except Exception as error:
            return await self._refuse(call, error)
        finally:
            self.admission.leave()

    async def _answer(self, call: Call) -> tuple[Headers, bytes]:
        self.codec.check(call.headers)
        body = call.body
        if isinstance(body, Body):
            body = await body.read(self.max_body_bytes, call.started + self.longest_s)
        request = self.codec.decode(call.names, call.headers, body)
        call.decision_id = request.decision_id or new_decision_id()
        call.stages.done("decode")
        deadline = call.started + request.deadline_s
        if isinstance(request, CatalogRequest):
            return await self._best_of_catalog(call, request, call.decision_id, deadline)
        return await self._ranked_list(call, request, call.decision_id, deadline)

    async def _ranked_list(
        self, call: Call, request: PredictRequest, decision_id: str, deadline: float
    ) -> tuple[Headers, bytes]:
        batch = await fetch_features(self.store, request, deadline)
        call.stages.done("features")
        lanes = request.ids.hashes
        columns = batch.values, batch.found, decision_id, lanes, self.sampler
        if self.sampler.inline(len(lanes), LIST):
            scores = request.model.score(*columns)
        else:  # features that came at the deadline, or not at all, are scored nevertheless
            work = partial(request.model.score, *columns)
            scores = await self.side.run(work, max(deadline, monotonic() + GRACE_S))
        call.stages.done("score")
        order = None if request.as_sent else rank(scores, lanes, request.top_k)
        if order is not None and request.order == "input":
            order.sort()
        call.stages.done("rank")
        missing, degraded = batch.tally()
        answer = self.codec.encode(request, decision_id, scores, order, missing, degraded)
        call.stages.done("encode")
        self.counts.prediction(request.model.name, batch, missing, degraded)
        return answer

    async def _best_of_catalog(
        self, call: Call, request: CatalogRequest, decision_id: str, deadline: float
    ) -> tuple[Headers, bytes]:
        best = partial(request.best, decision_id, self.sampler)
        inline = self.sampler.inline(request.arms + ARMS_AN_ID * len(request.without))
        ids, scores = best() if inline else await self.side.run(best, deadline)
        call.stages.done("draw")
        answer = encode_best(request, decision_id, ids, scores)
        call.stages.done("encode")
        self.counts.catalog_prediction(request.model.name, request.name, request.arms)
        return [JSON], answer

    def _complete(self, call: Call, status: int, headers: Headers) -> None:
        """Count an answer and complete its headers."""
        self.counts.answer(self.codec.protocol, status)
        self.counts.took(status, monotonic() - call.started, call.stages)
        if call.decision_id is not None:
            headers.append((b"x-decision-id", _quoted(call.decision_id)))
        if call.trace:
            headers.append((b"traceparent", call.trace))
        if self.lifecycle.leaving and CLOSE not in headers:
            headers.append(CLOSE)

    async def _refuse(self, call: Call, error: Exception) -> Answer:
        problem = as_problem(error)
        call.decision_id = call.decision_id or new_decision_id()
        self.counts.problem(problem)
        fields = {"trace_id": trace_id(call.trace)} if call.trace else {}
        log_problem(problem, error, path=call.path, decision_id=call.decision_id, **fields)
        headers, document = self.codec.refuse(problem, call.decision_id)
        headers += problem.headers
        if isinstance(call.body, Body) and not await call.body.discard():
            headers.append(CLOSE)
        self._complete(call, problem.status, headers)
        return problem.status, headers, document


def _quoted(decision_id: str) -> bytes:
    return (decision_id if _is_plain(decision_id) else quote(decision_id)).encode()


def _is_plain(text: str) -> bool:
    """Return whether quoting changes nothing, which takes a hundred times as long as to look."""
    return all("0" <= c <= "9" or "a" <= c <= "z" or "A" <= c <= "Z" or c == "-" for c in text)
