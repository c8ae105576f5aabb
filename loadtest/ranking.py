"""Whether a server answers what it should, before its speed counts."""

import json
from typing import Any

import httpx

__all__ = ["WrongAnswer", "check_ranking"]

TIMEOUT_S = 10.0
HEADERS = {"content-type": "application/json"}


class WrongAnswer(RuntimeError):
    """An answer that is not the ranking asked for; its speed would mean nothing."""


def check_ranking(server: str, url: str, body: str) -> None:
    """Post one request, all of whose candidates are in the catalogue, and check the answer.

    Raises
    ------
    WrongAnswer
        It is no 200, or not all candidates by falling scores of its own, or some were missing.
    """
    try:
        reply = httpx.post(url, content=body, headers=HEADERS, timeout=TIMEOUT_S)
        answer = reply.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise WrongAnswer(f"{server} failed: {error}") from error
    if problem := _problem(answer, json.loads(body)["candidates"]):
        raise WrongAnswer(f"{server} answered wrongly: {problem}")


def _problem(answer: dict[str, Any], candidates: list[str]) -> str:
    ranked, scores = answer.get("candidates"), answer.get("scores")
    if not isinstance(ranked, list) or sorted(ranked) != sorted(candidates):
        return "candidates are not those asked for"
    if not isinstance(scores, list) or len(scores) != len(ranked):
        return "not a score for each candidate"
    if scores != sorted(scores, reverse=True) or len(set(scores)) < len(scores) / 2:
        return "scores are not draws, best first"
    if not all(0 <= score <= 1 for score in scores):
        return "scores are not in [0, 1]"
    if answer.get("missing") or answer.get("degraded"):
        return "features were missing"
    return "" if answer.get("decision_id") else "no decision_id"
