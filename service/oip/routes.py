"""The paths under /v2."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bandit import Models
from service.errors import STATUS_OK, Unavailable
from service.health import Ready
from service.oip.lookup import find_model
from service.oip.tensors import described

__all__ = ["MODEL_PATHS", "ROOT", "Names", "infer_paths", "oip_routes"]

ROOT = "/v2"
MODEL_PATHS = (f"{ROOT}/models/{{model}}", f"{ROOT}/models/{{model}}/versions/{{version}}")
INFER_PATHS = tuple(f"{path}/infer" for path in MODEL_PATHS)
SERVER = {"name": "bandit-serve", "extensions": ["binary_tensor_data"]}

Names = Mapping[str, str]  # what a path names, by what it is


def oip_routes(infer: ASGIApp, models: Models, ready: Ready) -> Sequence[Route]:
    """Return the routes of the protocol; `infer` answers predictions."""

    async def server(_: Request) -> Response:
        return _json({**SERVER, "version": version("bandit-serve")})

    async def live(_: Request) -> Response:
        return _json({"live": True})

    async def server_ready(_: Request) -> Response:
        return await _readiness()

    async def model(request: Request) -> Response:
        return _json(described(find_model(models, request.path_params)))

    async def model_ready(request: Request) -> Response:
        return await _readiness(name=find_model(models, request.path_params).name)

    async def _readiness(**facts: str) -> Response:
        _, failing = await ready.checks()
        status = Unavailable.status if failing else STATUS_OK
        return _json({**facts, "ready": not failing}, status)

    return [
        *(Route(path, infer, methods=["POST"]) for path in INFER_PATHS),
        *(Route(f"{path}/ready", model_ready) for path in MODEL_PATHS),
        *(Route(path, model) for path in MODEL_PATHS),
        Route(ROOT, server),
        Route(f"{ROOT}/", server),
        Route(f"{ROOT}/health/live", live),
        Route(f"{ROOT}/health/ready", server_ready),
    ]


def infer_paths(models: Models) -> Iterator[tuple[str, Names]]:
    """Return the paths where the models answer predictions, and the names in them."""
    for model in models.by_name.values():
        names = {"model": model.name, "version": model.version}
        yield from ((path.format(**names), names) for path in INFER_PATHS)


def _json(document: object, status: int = STATUS_OK) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")
