"""GET /health, /health/ready and /health/live."""

import os
import time
from dataclasses import asdict
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

import betadist
from bandit import Models
from featurestore import StoreError
from service.admission import Admission
from service.counts import Counts
from service.errors import STATUS_OK, Unavailable
from service.lifecycle import Lifecycle
from service.reply import JSON, reply
from service.upkeep import Upkeep

__all__ = ["Live", "Ready"]

CHECK_S = 1.0


class Live:
    """200 as long as the event loop turns."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer a probe."""
        await reply(send, STATUS_OK, [JSON], b'{"status":"ok"}')


class Ready:
    """200 once everything that a prediction needs was seen working, else 503 naming what isn't."""

    def __init__(
        self,
        models: Models,
        upkeep: Upkeep,
        admission: Admission,
        lifecycle: Lifecycle,
        counts: Counts,
    ) -> None:
        self.models = models
        self.upkeep = upkeep
        self.store = upkeep.store
        self.admission = admission
        self.lifecycle = lifecycle
        self.counts = counts
        betadist.self_test()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer a probe."""
        leaving = self.lifecycle.leaving
        checks = {
            "lifecycle": "draining" if leaving else "ok",
            "store": await self._store(),
            "sampler": "ok",
        }
        ok = all(state == "ok" for state in checks.values())
        document = {
            "status": "ok" if ok else next(s for s in checks.values() if s != "ok"),
            "checks": checks,
            **self._facts(),
        }
        await reply(send, STATUS_OK if ok else Unavailable.status, [JSON], orjson.dumps(document))

    async def _store(self) -> str:
        try:
            await self.store.check(time.monotonic() + CHECK_S)
        except StoreError as error:
            return f"failing: {error}"
        done = self.store.progress
        filled = self.upkeep.filled
        return "ok" if filled else f"starting: {done.rows} of {done.total} rows in memory"

    def _facts(self) -> dict[str, Any]:
        return {
            "models": {name: model.version for name, model in self.models.by_name.items()},
            "worker": {
                "pid": os.getpid(),
                "in_flight": self.admission.in_flight,
                **asdict(self.counts),
                "store": asdict(self.store.counts),
            },
        }
