"""What hedging brings: latencies of /predict over a store of which one call in fifty is slow.

    python -m loadtest.tail --rate 40 --rounds 5 --seconds 10

The store is the emulator of Vertex AI Feature Store, read in chunks of 100 ids without a hot tier;
the service is seen over HTTP only. Requests are sent at even, planned times whether or not earlier
ones are answered, and latencies count from these. Every service runs at once with an emulator of
its own; they are loaded in turn, round by round.
"""

import argparse
import json
import platform
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from loadtest.catalogue import COMMAND, make_catalogue
from loadtest.drivers.connection import Exchange
from loadtest.drivers.pump import send
from loadtest.markdown import markdown_table
from loadtest.pacing import QUANTILES, quantiles
from loadtest.processes import accepts, free_port, running
from loadtest.workload import predict_bodies

BODIES = 200
SEED = 1
WARM_UP_S = 3.0
FEATURES = re.compile(rb"\bfeatures;dur=([0-9.]+)")
LATE_MS = 10.0  # of a generator's p99, which the figures can't be trusted beyond

CONFIG = """
default_model = "homepage"

[store]
kind = "vertex"
hot_rows = 0

[remote]
hedge = {hedge}

[vertex]
project = "local"
location = "local"
feature_online_store = "local"
endpoint = "127.0.0.1:{port}"
plaintext = true

[models.homepage]
version = "1"
entity_type = "content"
prior = {{ alpha = 2.0, beta = 30.0 }}
deadline_ms = {deadline_ms}
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one request: milliseconds from the planned send time, and of the stage of features.

    `sent_late_ms` is how long after the planned time it went out, for want of a connection or of
    CPU for the generator. A request that failed has `error`, and counts as long as it took.
    """

    latency_ms: float
    sent_late_ms: float
    features_ms: float
    degraded: bool
    error: str

    @classmethod
    def of(cls, exchange: Exchange) -> "Answer":
        """Read an answer's header and body."""
        features = FEATURES.search(exchange.head)
        return cls(
            (exchange.ended - exchange.due) * 1e3,
            (exchange.sent - exchange.due) * 1e3,
            float(features[1]) if features else 0.0,
            not exchange.error and bool(json.loads(exchange.body)["degraded"]),
            exchange.error,
        )


@dataclass(frozen=True, slots=True)
class Scenario:
    """How often a call of the store is slow, and whether the service hedges."""

    name: str
    slow_share: float
    hedge: bool


SCENARIOS = (
    Scenario("every call fast", 0.0, hedge=False),
    Scenario("one call in fifty slow, no hedging", 0.02, hedge=False),
    Scenario("one call in fifty slow, hedging", 0.02, hedge=True),
)

Answers = dict[str, list[Answer]]


def main() -> None:
    """Run the scenarios and print a Markdown table; --json writes every answer."""
    options = _options()
    answers = _run(options)
    print(_table(answers, options))
    if options.json:
        options.json.write_text(json.dumps(_document(answers, options)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--candidates", type=int, default=400)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--latency-ms", type=float, default=20.0)
    parser.add_argument("--slow-ms", type=float, default=500.0)
    parser.add_argument("--deadline-ms", type=int, default=1000, help="of a prediction")
    parser.add_argument("--rate", type=float, default=40.0, help="requests a second")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _run(options: argparse.Namespace) -> Answers:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        catalogue = make_catalogue(folder, options.rows)
        data = catalogue.export(folder / "posteriors.csv")
        ports = {
            each.name: stack.enter_context(_started(each, data, folder, options))
            for each in SCENARIOS
        }
        bodies = predict_bodies(catalogue.ids, options.candidates, BODIES, SEED)
        return _measure(ports, bodies, options)


@contextmanager
def _started(
    scenario: Scenario, data: Path, folder: Path, options: argparse.Namespace
) -> Iterator[int]:
    """Run an emulator and a service that reads from it until the block ends; yields its port."""
    port, store_port = free_port(), free_port()
    config = folder / f"{port}.toml"
    hedge = str(scenario.hedge).lower()
    config.write_text(CONFIG.format(hedge=hedge, port=store_port, deadline_ms=options.deadline_ms))
    emulate = [COMMAND, "emulate", "vertex", "--data", str(data), "--port", str(store_port)]
    emulate += ["--latency-ms", str(options.latency_ms), "--slow-ms", str(options.slow_ms)]
    emulate += ["--slow-share", str(scenario.slow_share)]
    run = [COMMAND, "run", "--config", str(config), "--port", str(port), "--workers", "1"]
    with running(emulate, store_port, accepts), running(run, port):
        yield port


def _measure(ports: dict[str, int], bodies: Sequence[str], options: argparse.Namespace) -> Answers:
    answers: Answers = {name: [] for name in ports}
    for port in ports.values():
        _answers(port, bodies, WARM_UP_S, options)
    for i in range(options.rounds):
        for name, port in ports.items():
            answers[name] += _answers(port, bodies, options.seconds, options)
        print(f"round {i + 1} of {options.rounds}", file=sys.stderr)
    return answers


def _answers(
    port: int, bodies: Sequence[str], seconds: float, options: argparse.Namespace
) -> list[Answer]:
    url = f"http://127.0.0.1:{port}/predict"
    exchanges: list[Exchange] = []
    send(url, bodies, options.rate, seconds, options.connections, exchanges.append)
    return [Answer.of(exchange) for exchange in exchanges]


def _table(answers: Answers, options: argparse.Namespace) -> str:
    method = (
        f"{options.candidates} candidates, {options.rate:g} requests a second for "
        f"{options.rounds} x {options.seconds:g} s, calls of {options.latency_ms:g} ms, slow ones "
        f"of {options.slow_ms:g} ms, deadline {options.deadline_ms} ms; ms from the planned time"
    )
    columns = ["what", *QUANTILES, *(f"features {name}" for name in QUANTILES)]
    columns += ["requests", "degraded", "errors", "sent late p99"]
    table = markdown_table(columns, [_cells(name, each) for name, each in answers.items()])
    return "\n".join([method, "", table, "", *_warnings(answers)])


def _warnings(answers: Answers) -> list[str]:
    """Say which rows tell of a generator without CPU rather than of the service."""
    late = {
        name: quantiles([a.sent_late_ms for a in each])["p99"] for name, each in answers.items()
    }
    return [
        f"{name}: the generator was {value:.0f} ms late, so these figures are the machine's  "
        for name, value in late.items()
        if value > LATE_MS
    ]


def _cells(name: str, answers: list[Answer]) -> list[str]:
    answered = [answer for answer in answers if not answer.error]
    if not answered:
        raise RuntimeError(f"{name}: no answer, but {_errors(answers)}")
    latencies = quantiles([answer.latency_ms for answer in answers])
    features = quantiles([answer.features_ms for answer in answered])
    late = quantiles([answer.sent_late_ms for answer in answers])["p99"]
    figures = [f"{value:.1f}" for value in (*latencies.values(), *features.values())]
    degraded = sum(answer.degraded for answer in answered)
    counts = [f"{len(answers)}", f"{degraded}", _errors(answers)]
    return [name, *figures, *counts, f"{late:.1f}"]


def _errors(answers: list[Answer]) -> str:
    errors = Counter(answer.error for answer in answers if answer.error)
    return ", ".join(f"{count} x {error}" for error, count in errors.items()) or "0"


def _document(answers: Answers, options: argparse.Namespace) -> dict[str, object]:
    return {
        "machine": {"platform": platform.platform(), "python": platform.python_version()},
        "options": {key: str(value) for key, value in vars(options).items()},
        "answers": {name: [asdict(answer) for answer in each] for name, each in answers.items()},
    }


if __name__ == "__main__":
    main()
