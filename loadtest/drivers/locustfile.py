"""What locust runs: users with a constant pacing that post the lines of a file in turn.

Options come from LoadDriver's command line; milliseconds by status, or by what went wrong, go to a
file as JSON.
"""

import itertools
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, constant_pacing, events, task

USERS = itertools.count()
NUMBERS = itertools.count()
FOUND: dict[str, list[float]] = defaultdict(list)


@events.init_command_line_parser.add_listener
def _add_options(parser: Any) -> None:
    for name in ("--bodies", "--found", "--path"):
        parser.add_argument(name)
    parser.add_argument("--planned-rate", type=float, default=0.0)


@events.test_start.add_listener
def _read(environment: Any, **_: Any) -> None:
    Predicting.bodies = Path(environment.parsed_options.bodies).read_bytes().splitlines()


@events.request.add_listener
def _note(response_time: float, response: Any, exception: Any, **_: Any) -> None:
    status = getattr(response, "status_code", 0)
    FOUND[str(status) if status else type(exception).__name__].append(response_time)


@events.quitting.add_listener
def _write(environment: Any, **_: Any) -> None:
    Path(environment.parsed_options.found).write_text(json.dumps(FOUND))


class Predicting(FastHttpUser):
    """A user with one connection; the users' times to send are spread evenly."""

    bodies: list[bytes]
    network_timeout = 10.0
    max_retries = 0

    def wait_time(self) -> float:
        """Return how long to wait, so that all users together keep to the rate."""
        options = self.environment.parsed_options
        if not options.planned_rate:
            return 0.0
        return float(constant_pacing(options.num_users / options.planned_rate)(self))

    def on_start(self) -> None:
        """Begin in turn."""
        options = self.environment.parsed_options
        if options.planned_rate:
            gevent.sleep(next(USERS) % options.num_users / options.planned_rate)

    @task
    def predict(self) -> None:
        """Post the next body."""
        body = self.bodies[next(NUMBERS) % len(self.bodies)]
        headers = {"content-type": "application/json"}
        self.client.post(self.environment.parsed_options.path, data=body, headers=headers)
