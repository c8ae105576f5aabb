"""The application, put together from its parts."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from featurestore import Cached
from service.admission import Admission
from service.config import Settings
from service.counts import Counts
from service.docs import docs_page
from service.errors import Internal, as_problem
from service.health import Live, Ready
from service.lifecycle import Lifecycle
from service.openapi import openapi_document
from service.predict import Predict
from service.reply import PROBLEM_JSON
from service.upkeep import Upkeep

__all__ = ["create_app"]

log = logging.getLogger("bandit_serve.app")


def create_app(settings: Settings, store: Cached, lifecycle: Lifecycle) -> Starlette:
    """Return the ASGI application that serves the settings' models from the store."""
    models, limit = settings.models, settings.server.max_body_bytes
    admission, counts = Admission(settings.server.max_in_flight), Counts()
    predict = Predict(models, store, admission, lifecycle, counts, limit)
    upkeep = Upkeep(store)
    ready = Ready(models, upkeep, admission, lifecycle, counts)
    document = openapi_document(models, limit)

    async def openapi(_: Request) -> Response:
        return Response(orjson.dumps(document), media_type="application/json")

    async def docs(_: Request) -> Response:
        return Response(docs_page(document), media_type="text/html")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with upkeep.running():
            yield
        log.info("stopped", extra=asdict(counts))

    app = Starlette(
        routes=[
            Route("/predict", predict, methods=["POST"]),
            Route("/health", ready, methods=["GET"]),
            Route("/health/ready", ready, methods=["GET"]),
            Route("/health/live", Live(), methods=["GET"]),
            Route("/openapi.json", openapi),
            Route("/docs", docs),
        ],
        exception_handlers={HTTPException: _problem, Exception: _problem},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


async def _problem(request: Request, error: Exception) -> Response:
    problem = as_problem(error)
    bug = error if isinstance(problem, Internal) else None
    level = logging.ERROR if problem.is_ours else logging.INFO
    fields = {"path": request.url.path, "status": problem.status}
    log.log(level, problem.detail, extra=fields, exc_info=bug)
    headers = {name.decode(): value.decode() for name, value in (PROBLEM_JSON, *problem.headers)}
    return Response(problem.body(None), problem.status, headers)
