"""The application, put together from its parts."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

import betadist
from service.admission import Admission
from service.catalogs.catalog import Catalogs
from service.catalogs.keepers import Keepers
from service.config import Settings
from service.counts import Counts
from service.docs import docs_routes
from service.entrance import Entrance
from service.errors import Problem
from service.health import Live, Ready
from service.json_codec import JsonCodec
from service.lifecycle import Lifecycle
from service.metrics import Figures, Metrics
from service.metrics.process import Process
from service.oip.codec import TensorCodec
from service.oip.routes import Names, infer_paths, oip_routes
from service.openapi import openapi_document
from service.predict import Predict
from service.refusals import Refusals
from service.reply import Answer
from service.sampling.sampling import Sampling
from service.shed import Shed
from service.side_threads import SideThreads
from service.stores.serving import Serving
from service.upkeep import Upkeep

__all__ = ["Service", "create_app"]

PREDICT = "/predict"
SIDE_THREADS = 2  # so that the draws of 10 million arms don't keep those of fewer waiting

log = logging.getLogger("bandit_serve.app")


class Service(Starlette):
    """An application that answers predictions ahead of its middleware and routes.

    Their endpoints need neither, since they turn all errors into answers themselves. The routes
    stay, for what they say of other methods and models.

    Parameters
    ----------
    ahead : mapping of str to tuple
        Paths of predictions and the endpoint and the names in the path of each.

    Attributes
    ----------
    refused : callable
        Told of each problem that the server answers by itself.
    """

    def __init__(
        self,
        ahead: Mapping[str, tuple[Shed, Names]],
        refused: Callable[[Problem], None],
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.refused = refused
        self._ahead = ahead
        self._entrances = {
            path.encode(): Entrance(shed, path, names)
            for path, (shed, names) in ahead.items()
            if quote(path) == path  # else the target isn't the path
        }

    def entrance(self, target: bytes) -> Entrance | None:
        """Return what answers POST requests with this target ahead of ASGI, if anything does."""
        return self._entrances.get(target)

    def admit(self, scope: Scope) -> Answer | None:
        """Give a prediction a place, or return its refusal; a server may ask before it calls."""
        if scope["method"] != "POST" or scope["path"] not in self._ahead:
            return None
        return self._ahead[scope["path"]][0].admit(scope)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or live through a lifespan."""
        if scope.get("method") != "POST" or scope["path"] not in self._ahead:
            await super().__call__(scope, receive, send)
        else:
            endpoint, scope["path_params"] = self._ahead[scope["path"]]
            await endpoint(scope, receive, send)


def create_app(
    settings: Settings,
    store: Serving,
    lifecycle: Lifecycle,
    figures_folder: Path | None = None,
    catalogs_folder: Path | None = None,
    catalogs: Catalogs | None = None,
    sampling: Sampling | None = None,
) -> Service:
    """Return the ASGI application that serves the settings' models from the store.

    `figures_folder` is where the workers of a node show each other their figures; without one,
    GET /metrics tells of this process alone. `catalogs_folder` is where they share the snapshots of
    `catalogs`, which, as `sampling`, are those of the settings.
    """
    catalogs = Catalogs.of(settings.catalogs) if catalogs is None else catalogs
    sampling = Sampling(settings.sampler) if sampling is None else sampling
    models, limit = settings.models, settings.server.max_body_bytes
    admission = Admission(settings.server.max_in_flight)
    counts = Counts(models.by_name, catalogs.by_name)
    side = SideThreads(SIDE_THREADS)
    keepers = Keepers(catalogs, settings, catalogs_folder, sampling.dispatch.prepare)
    figures = Figures([counts, admission, store, keepers, sampling, Process()], figures_folder)
    shared = (models, store, admission, lifecycle, counts, limit, sampling.dispatch, side)
    predict, infer = (
        Shed(Predict(codec, *shared), admission, lifecycle, counts)
        for codec in (JsonCodec(models, catalogs), TensorCodec(models))
    )
    upkeep = Upkeep(store, models)
    ready = Ready(models, upkeep, keepers, admission, lifecycle, counts)
    document = openapi_document(models, limit, settings.catalogs)
    refusals = Refusals(predict, infer, counts)
    betadist.self_test()
    for model in models.by_name.values():
        model.warm_up(sampling.dispatch)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        drawing = sampling.running(upkeep.until_ready)
        async with upkeep.running(), keepers.running(), figures.running(), drawing:
            yield
        side.close()
        log.info("stopped", extra=counts.totals())

    app = Service(
        {PREDICT: (predict, {})} | {path: (infer, names) for path, names in infer_paths(models)},
        refusals.note,
        routes=[
            Route(PREDICT, predict, methods=["POST"]),
            *oip_routes(infer, models, ready),
            Route("/health", ready, methods=["GET"]),
            Route("/health/ready", ready, methods=["GET"]),
            Route("/health/live", Live(), methods=["GET"]),
            Route("/metrics", Metrics(figures), methods=["GET"]),
            *docs_routes(document),
        ],
        exception_handlers=dict.fromkeys((HTTPException, Problem, Exception), refusals.answer),
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app
