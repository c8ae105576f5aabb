"""One log line for each problem."""

import logging

from service.errors import Internal, Problem

__all__ = ["log_problem"]

log = logging.getLogger("bandit_serve.problems")


def log_problem(problem: Problem, error: Exception, **fields: object) -> None:
    """Log a problem, with the stack trace of `error` when it is a bug of ours."""
    level = logging.ERROR if problem.is_ours else logging.INFO
    bug = error if isinstance(problem, Internal) else None
    fields = {"problem": type(problem).__name__, "status": problem.status, **fields}
    log.log(level, problem.detail, extra=fields, exc_info=bug)
