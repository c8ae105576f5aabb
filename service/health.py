"""GET /health, /health/ready and /health/live."""

import os
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from bandit import Models
from featurestore import Histogram, Measurement, Resident
from service.admission import Admission
from service.catalogs.keepers import Keepers
from service.counts import Counts
from service.errors import STATUS_OK, Unavailable
from service.lifecycle import Lifecycle
from service.reply import JSON, reply
from service.upkeep import Upkeep

__all__ = ["Live", "Ready"]

SLOW_SHARE = 0.05


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
        keepers: Keepers,
        admission: Admission,
        lifecycle: Lifecycle,
        counts: Counts,
    ) -> None:
        self.models = models
        self.upkeep = upkeep
        self.store = upkeep.store
        self.keepers = keepers
        self.admission = admission
        self.lifecycle = lifecycle
        self.counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a probe."""
        checks, failing = await self.checks()
        well = all(said == "ok" for said in checks.values())
        status = failing[0] if failing else "ok" if well else "degraded"
        document = {"status": status, "checks": checks, **self._facts()}
        code = Unavailable.status if failing else STATUS_OK
        await reply(send, code, [JSON], orjson.dumps(document))

    async def checks(self) -> tuple[dict[str, str], list[str]]:
        """Return what each check says, by its name, and what those say that fail."""
        serves, store = await self._store()
        leaving = self.lifecycle.leaving  # as it is now, should the embedded store have taken long
        checks = {"lifecycle": "draining" if leaving else "ok", "store": store}
        failing = [checks["lifecycle"]] * leaving + [store] * (not serves)
        for name, there, said in self.keepers.checks():
            checks[f"catalog {name}"] = said
            failing += [f"catalog {name} {said}"] * (not there)
        return checks, failing

    async def _store(self) -> tuple[bool, str]:
        """Whether predictions can be answered well enough, and how the store is."""
        trouble = await self.upkeep.trouble()
        if trouble is not None and isinstance(self.store, Resident):
            return False, f"failing: {trouble}"
        if trouble is not None:
            return self.upkeep.ready and self._may_degrade, f"down: {trouble}"
        if not self.upkeep.ready:
            return False, self._starting()
        share = self.counts.degraded_lately()
        slow = f"slow: {share:.0%} of the latest predictions had to do without some features"
        return True, slow if share > SLOW_SHARE else "ok"

    @property
    def _may_degrade(self) -> bool:
        return all(model.degrade for model in self.models.by_name.values())

    def _starting(self) -> str:
        if not isinstance(self.store, Resident):
            return "starting"
        done = self.store.progress
        return f"starting: {done.rows} of {done.total} rows in memory"

    def _facts(self) -> dict[str, Any]:
        return {
            "models": {name: model.version for name, model in self.models.by_name.items()},
            "worker": {
                "pid": os.getpid(),
                "in_flight": self.admission.in_flight,
                **self.counts.totals(),
                "store": {
                    _labelled(figure): figure.value
                    for figure in self.store.measurements()
                    if not isinstance(figure.value, Histogram)
                },
            },
        }


def _labelled(figure: Measurement) -> str:
    return "_".join([figure.name, *(value for _, value in figure.labels)])
