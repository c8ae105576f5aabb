"""`bandit-serve doctor`: what it finds right and wrong, and what it doesn't show."""

import json
import subprocess
import time
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from loadtest.processes import free_port
from service.cli import main
from tests.featurestore.redis import servers

ONE_MODEL = 'default_model = "m"\n[models.m]\nversion = "1"\nprior = { alpha = 1, beta = 1 }\n'
SECTIONS = [
    *("versions", "machine", "sampler", "gpu", "crossovers", "store", "catalogues"),
    "configuration",
]


def doctor(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["doctor", *map(str, arguments)], catch_exceptions=False)


def report_of(*arguments: object, status: int = 0) -> dict:
    result = doctor("--json", *arguments)
    assert result.exit_code == status, result.output
    report: dict = json.loads(result.stdout)
    assert report["healthy"] == (status == 0) == (report["problems"] == [])
    return report


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(ONE_MODEL)
    return path


def test_a_store_with_the_models_features_is_healthy(store: Path) -> None:
    report = report_of("--store", store)
    assert [*report] == [*SECTIONS, "problems", "healthy"]
    found = report["store"]
    assert (found["kind"], found["place"], found["answers"]) == ("embedded", str(store), True)
    assert found["tables"]["content"] == ["alpha", "beta"]
    assert 0 < found["answer ms"] < 3000
    assert report["sampler"]["self-test"] == "passed"
    assert report["sampler"]["simd level"] in report["sampler"]["kernels"]
    assert report["versions"]["bandit-serve"]
    assert report["gpu"]["device"]
    crossovers = report["crossovers"]
    for draw in ("top k of a catalogue", "list of candidates"):
        assert crossovers[f"{draw}: beside the event loop from (arms)"] >= 1
        for backend in ("CPU threads", "GPU"):
            arms = crossovers[f"{draw}: {backend} from (arms)"]
            assert arms == "never" or arms >= 1
    assert 0 < crossovers["measured in ms"] < 10_000


def test_the_same_is_to_be_read(store: Path) -> None:
    result = doctor("--store", store, "--workers", 1)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line for line in lines if line and not line.startswith(" ")] == [*SECTIONS, "problems"]
    assert lines[-1].strip() == "none"
    assert any(line.split() == ["server.workers", "1", "command", "line"] for line in lines)
    assert any(line.split() == ["server.port", "8000", "default"] for line in lines)


def test_a_running_service_does_not_matter(service, store: Path) -> None:
    port = service.url.rpartition(":")[2]
    machine = report_of("--store", store, "--port", port)["machine"]
    assert machine["address in use"] is True
    note = "`bandit-serve run` would not start on this address: Address already in use"
    assert machine["note"] == note
    free = report_of("--store", store, "--port", free_port())["machine"]
    assert free["address in use"] is False
    assert "note" not in free


def test_every_value_is_shown_with_what_said_it(
    config: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(ONE_MODEL + "policy = 'greedy'\n[server]\nport = 1111\nmax_in_flight = 5\n")
    monkeypatch.setenv("BANDIT_SERVE_SERVER_PORT", "2222")
    monkeypatch.setenv("BANDIT_SERVE_SERVER_LOG_LEVEL", "error")
    monkeypatch.setenv("BANDIT_SERVE_FEAST_JOIN_KEYS", '{ content = "id" }')
    report = report_of("--config", config, "--store", store, "--log-level", "debug")
    said = {
        name: (found["value"], found["source"])
        for name, found in report["configuration"].items()
        if isinstance(found, dict)
    }
    assert report["configuration"]["file"] == str(config)
    assert said["server.port"] == (2222, "environment BANDIT_SERVE_SERVER_PORT")
    assert said["server.log_level"] == ("debug", "command line")
    assert said["server.max_in_flight"] == (5, f"file {config}")
    assert said["server.workers"] == ("auto", "default")
    assert said["models.m.policy"] == ("greedy", f"file {config}")
    assert said["models.m.entity"] == ("{candidate}", "default")
    assert said["models.m.prior.alpha"] == (1, f"file {config}")
    assert said["default_model"] == ("m", f"file {config}")
    assert said["store.path"] == (str(store), "command line")
    join_keys = ("id", "environment BANDIT_SERVE_FEAST_JOIN_KEYS")
    assert said["feast.join_keys.content"] == join_keys


def test_the_variable_that_names_the_file_is_followed(
    config: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANDIT_SERVE_CONFIG", str(config))
    report = report_of("--store", store)
    assert report["configuration"]["models.m.version"]["source"] == f"file {config}"


@pytest.mark.parametrize("json_too", [[], ["--json"]])
def test_passwords_and_tokens_are_hidden(
    monkeypatch: pytest.MonkeyPatch, json_too: list[str]
) -> None:
    url = f"redis://me:hush1@127.0.0.1:{free_port()}/0?password=hush2"
    monkeypatch.setenv("BANDIT_SERVE_FEAST_TOKEN", "hush3")
    monkeypatch.setenv("BANDIT_SERVE_FEAST_URL", "https://me:hush4@feast")
    result = doctor("--store", url, *json_too)
    assert "hush" not in result.output
    for part in ("redis://(hidden)@127.0.0.1:", "https://(hidden)@feast", "BANDIT_SERVE_FEAST_TOK"):
        assert part in result.output


def test_a_redis_that_is_not_there_is_a_problem_soon() -> None:
    began, port = time.monotonic(), free_port()
    report = report_of("--store", f"redis://127.0.0.1:{port}", status=1)
    assert time.monotonic() - began < 10
    assert report["store"]["answers"] is False
    (problem,) = report["problems"]
    assert problem.startswith(f"store: redis 127.0.0.1:{port}: ")


def test_a_redis_without_the_table_is_a_problem(shared_redis: servers.Server) -> None:
    report = report_of("--store", f"{shared_redis.url}/9876", status=1)
    assert report["store"]["answers"] is True
    (problem,) = report["problems"]
    assert problem.startswith(
        "store: models.homepage reads the table 'content', which is not there"
    )


def test_features_that_the_table_lacks_are_a_problem(
    tmp_path: Path, config: Path, write_store
) -> None:
    folder = write_store(tmp_path / "store", {"content": (["a"], np.ones((1, 2)))})
    config.write_text(ONE_MODEL + 'features = ["alpha", "gamma"]')
    (problem,) = report_of("--config", config, "--store", folder, status=1)["problems"]
    assert "gamma" in problem


def test_a_store_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    (problem,) = report_of("--store", tmp_path / "typo", status=1)["problems"]
    assert "typo: does not exist" in problem
    assert not (tmp_path / "typo").exists()


def test_a_catalogue_is_shown_and_its_file_looked_for(
    tmp_path: Path, config: Path, store: Path
) -> None:
    absent = tmp_path / "absent.csv"
    config.write_text(f'{ONE_MODEL}[catalogs.all]\n[catalogs.some]\npath = "{absent}"\n')
    report = report_of("--config", config, "--store", store, status=1)
    assert report["catalogues"]["all"]["source"] == "table content"
    assert report["problems"] == [
        f"catalogues: catalogs.some.path is {str(absent)!r}, which is no file"
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("id,alpha\na,1\n", "there must be one column 'beta'; found 'id', 'alpha'"),
        ("id,alpha,beta\na,1,1\n", "there must be one column 'tags'; found 'id', 'alpha', 'beta'"),
        ("", "is empty: it needs a first line that names the columns"),
    ],
)
def test_a_catalogue_whose_file_lacks_a_column_is_a_problem(
    tmp_path: Path, config: Path, store: Path, rows: str, said: str
) -> None:
    arms = tmp_path / "arms.csv"
    arms.write_text(rows)
    config.write_text(f'{ONE_MODEL}[catalogs.c]\ntags = ["kids"]\npath = "{arms}"\n')
    (problem,) = report_of("--config", config, "--store", store, status=1)["problems"]
    assert problem.startswith(f"catalogues: catalogs.c.path: {arms}")
    assert said in problem


def test_a_parquet_file_is_looked_at_too(tmp_path: Path, config: Path, store: Path) -> None:
    arms = tmp_path / "arms.parquet"
    config.write_text(f'{ONE_MODEL}[catalogs.c]\npath = "{arms}"\n')
    pyarrow.parquet.write_table(pyarrow.table({"id": ["a"], "alpha": [1.0]}), arms)
    (problem,) = report_of("--config", config, "--store", store, status=1)["problems"]
    assert problem.endswith("there must be one column 'beta'; found 'id', 'alpha'")
    arms.write_bytes(arms.read_bytes()[:-9])
    (problem,) = report_of("--config", config, "--store", store, status=1)["problems"]
    assert problem.startswith(f"catalogues: catalogs.c.path: {arms}")


def test_a_catalogue_of_no_table_is_a_problem_that_a_load_may_mend(
    config: Path, store: Path
) -> None:
    config.write_text(f"{ONE_MODEL}entity_type = 'absent'\n[catalogs.c]\n")
    problems = report_of("--config", config, "--store", store, status=1)["problems"]
    assert f"catalogues: catalogs.c: {store} has no table 'absent'; a load makes it" in problems


def test_a_catalogue_whose_table_lacks_the_tags_stops_the_start_too(
    config: Path, store: Path
) -> None:
    config.write_text(f'{ONE_MODEL}[catalogs.c]\ntags = ["kids"]\n')
    lacking = "the table 'content' has ['alpha', 'beta'], but not 'tags'"
    (problem,) = report_of("--config", config, "--store", store, status=1)["problems"]
    assert problem == f"catalogues: catalogs.c: {lacking}"
    run = ["run", "--config", str(config), "--store", str(store), "--port", str(free_port())]
    result = CliRunner().invoke(main, run)
    assert result.exit_code == 2
    assert f"catalogs.c: in {store} {lacking}" in result.stderr


def test_a_gpu_that_must_be_there_and_is_not_is_a_problem(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANDIT_SERVE_SAMPLER_GPU", "on")
    result = doctor("--json", "--store", store)
    report = json.loads(result.stdout)
    missing = [f"gpu: sampler.gpu is on, but {report['gpu']['device']}"]
    assert report["problems"] == ([] if report["gpu"]["in use"] else missing)
    assert result.exit_code == len(report["problems"])


def test_wrong_settings_are_told_as_run_tells_them(config: Path, command: str) -> None:
    config.write_text(ONE_MODEL + "[sampler]\ngpu = 'maybe'\nthreads = -1\ncalibrate = 1\n")
    results = [
        subprocess.run(
            [command, name, "--config", str(config)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        for name in ("run", "doctor")
    ]
    assert [result.returncode for result in results] == [2, 2]
    assert results[0].stderr == results[1].stderr
    assert results[1].stdout == ""
    for part in (
        "sampler.gpu is 'maybe', must be one of auto, off, on",
        "sampler.threads is -1, must be an integer from 0 to 1024",
        "sampler.calibrate is 1, must be true or false",
    ):
        assert part in results[1].stderr


def test_wrong_settings_are_told_to_machines_too(config: Path) -> None:
    config.write_text(ONE_MODEL + "[sampler]\ngpu = 'maybe'\nthreads = -1\n")
    report = report_of("--config", config, status=2)
    assert [problem.split(" is ")[0] for problem in report["problems"]] == [
        "sampler.threads",
        "sampler.gpu",
    ]
    (problem,) = report_of("--config", config.with_name("typo"), status=2)["problems"]
    assert "does not exist" in problem
