"""Errors that no endpoint answers: of the routes, and of the server itself."""

from starlette.requests import Request
from starlette.responses import Response

from service.counts import Counts
from service.errors import Problem, as_problem
from service.oip.routes import ROOT
from service.problem_log import log_problem
from service.shed import Shed

__all__ = ["Refusals"]


class Refusals:
    """Counts and logs such errors, and answers them in the protocol of their path."""

    def __init__(self, predict: Shed, infer: Shed, counts: Counts) -> None:
        self._predict = predict
        self._infer = infer
        self._counts = counts

    async def answer(self, request: Request, error: Exception) -> Response:
        """Answer an error that a route raised, or that there is no route."""
        problem = as_problem(error)
        self._counts.problem(problem)
        endpoint, path = request.scope.get("endpoint"), request.url.path
        if isinstance(endpoint, Shed):
            self._counts.answer(endpoint.codec.protocol, problem.status)
        log_problem(problem, error, path=path)
        shed = self._infer if f"{path}/".startswith(f"{ROOT}/") else self._predict
        headers, body = shed.codec.refuse(problem, None)
        named = {k.decode(): v.decode() for k, v in (*headers, *problem.headers)}
        return Response(body, problem.status, named)

    def note(self, problem: Problem) -> None:
        """Note what the server has refused already."""
        self._counts.problem(problem)
        log_problem(problem, problem)
