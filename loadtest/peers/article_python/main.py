"""The design that was outgrown: FastAPI, a dict of features, NumPy's Beta, a sorted list.

    python main.py --port 8000 --workers 2 --features posteriors.csv
    python main.py --port 8000 --workers 2 --redis redis://127.0.0.1:6379

It runs in an environment of its own, with what requirements.txt lists.
"""

import argparse
import asyncio
import csv
import struct
import uuid
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from redis.asyncio import Redis
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.supervisors import Multiprocess

CHUNK = 100
PRIOR = (2.0, 30.0)
MAX_BODY_BYTES = 4 << 20
ROW = struct.Struct("<dd")
KEY = "bandit:content:"

Row = tuple[float, float]
Read = Callable[[Sequence[str]], Awaitable[list[Row | None]]]


class Prediction(BaseModel):
    """What is asked for."""

    candidates: Annotated[list[str], Field(min_length=1)]
    model: str = "default"
    decision_id: str | None = None


class Ranking(BaseModel):
    """The answer, best first."""

    decision_id: str
    model: str
    version: str
    candidates: list[str]
    scores: list[float]
    missing: int
    degraded: bool


class BodyLimit:
    """Refuses bodies that are too large."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the bytes of the body as they come."""
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_BODY_BYTES:
                raise HTTPException(413, "the body is too large")
            return message

        await self.app(scope, counted, send)


def in_memory(file: Path) -> Read:
    """Read from a dict that is filled from a CSV file of id, alpha, beta."""
    with file.open(newline="") as lines:
        features = {
            row["id"]: (float(row["alpha"]), float(row["beta"])) for row in csv.DictReader(lines)
        }

    async def read(ids: Sequence[str]) -> list[Row | None]:
        return [features.get(each) for each in ids]

    return read


def in_redis(url: str) -> Read:
    """Read from Redis, where a row is two packed numbers."""
    redis = Redis.from_url(url)

    async def read(ids: Sequence[str]) -> list[Row | None]:
        values = await redis.mget([KEY + each for each in ids])
        return [None if value is None else ROW.unpack(value) for value in values]

    return read


def application(options: argparse.Namespace) -> FastAPI:
    """Put the service together."""
    read = in_redis(options.redis) if options.redis else in_memory(options.features)
    app = FastAPI()
    app.add_middleware(BodyLimit)

    @app.exception_handler(RequestValidationError)
    async def refuse(_: Request, error: RequestValidationError) -> JSONResponse:
        malformed = any(
            each["type"] == "json_invalid" or (each["type"], each["loc"]) == ("missing", ("body",))
            for each in error.errors()
        )
        return JSONResponse({"title": str(error)}, 400 if malformed else 422)

    @app.get("/health")
    @app.get("/health/ready")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/predict")
    async def predict(request: Prediction) -> Ranking:
        return rank(request, await fetch(read, request.candidates))

    return app


async def fetch(read: Read, ids: Sequence[str]) -> list[Row | None]:
    """Read the rows of all ids, chunk by chunk at once."""
    chunks = [ids[i : i + CHUNK] for i in range(0, len(ids), CHUNK)]
    parts = await asyncio.gather(*(read(chunk) for chunk in chunks))
    return [row for part in parts for row in part]


def rank(request: Prediction, rows: list[Row | None]) -> Ranking:
    """Draw a score for each candidate and sort."""
    alphas, betas = zip(*(row or PRIOR for row in rows), strict=True)
    draws = np.random.beta(alphas, betas).tolist()
    scores = zip(request.candidates, draws, strict=True)
    best = sorted(scores, key=lambda pair: pair[1], reverse=True)
    return Ranking(
        decision_id=request.decision_id or str(uuid.uuid4()),
        model=request.model,
        version="1",
        candidates=[each for each, _ in best],
        scores=[score for _, score in best],
        missing=rows.count(None),
        degraded=False,
    )


def main() -> None:
    """Serve with as many processes as were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1)
    store = parser.add_mutually_exclusive_group(required=True)
    store.add_argument("--features", type=Path)
    store.add_argument("--redis")
    options = parser.parse_args()
    config = uvicorn.Config(
        partial(application, options),
        factory=True,
        port=options.port,
        workers=options.workers,
        log_level="warning",
    )
    Multiprocess(config, sockets=[config.bind_socket()]).run()


if __name__ == "__main__":
    main()
