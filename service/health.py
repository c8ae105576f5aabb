"""GET /health, /health/ready and /health/live."""

import os
import time
from dataclasses import asdict
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from bandit import Models
from featurestore import StoreError
from idcolumn import IdColumn
from service.admission import Admission
from service.counts import Counts
from service.errors import STATUS_OK, Unavailable
from service.lifecycle import Lifecycle
from service.reply import JSON, reply
from service.upkeep import Upkeep

__all__ = ["Live", "Ready"]

CHECK_S = 1.0
NO_IDS = IdColumn.from_list([])


class Live:
    """200 as long as the event loop turns."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a probe."""
        leaving = self.lifecycle.leaving
        checks = {
            "lifecycle": "draining" if leaving else "ok",
            "store": await self._store(),
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
            deadline = time.monotonic() + CHECK_S
            await self.store.check(deadline)
            for model in self.models.by_name.values():
                await self.store.fetch(model.entity_type, NO_IDS, model.features, deadline)
        except StoreError as error:
            return f"failing: {error}"
        if not self.upkeep.filled:
            done = self.store.progress
            return f"starting: {done.rows} of {done.total} rows in memory"
        return "ok"

    def _facts(self) -> dict[str, Any]:
        return {
            "models": {name: model.version for name, model in self.models.by_name.items()},
            "worker": {
                "pid": os.getpid(),
                "in_flight": self.admission.in_flight,
                **self.counts.totals(),
                "store": {
                    **asdict(self.store.counts),
                    "bytes_in_memory": self.store.nbytes,
                    "lag_s": round(self.store.lag_s, 3),
                },
            },
        }
