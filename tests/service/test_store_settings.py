"""Settings of the stores over a network: each wrong one stops the start, and is told with all."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from featurestore import StoreUnavailable
from service.config import DEFAULT_CONFIG, ConfigError, load_settings
from service.data import stats
from service.stores.adapters import ADAPTERS
from service.stores.choice import parse_store
from service.stores.kind import StoreKind
from service.stores.opening import open_chunked


def problems_of(kind: str, **sections: dict) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_settings(DEFAULT_CONFIG, {"store": {"kind": kind}, **sections})
    return caught.value.problems


def test_problems_of_a_section_are_lines_that_name_the_setting() -> None:
    url, prefix = problems_of("redis", redis={"url": "ftp://me:secret@a; b", "prefix": "a:b"})
    assert url.startswith("redis.url is 'ftp://me:***@a; b', must be like redis://")
    assert url.endswith("(from the command line)")
    assert prefix.startswith("redis.prefix is 'a:b', must hold no ':'")
    project, *_ = problems_of("vertex")
    assert project.startswith("vertex.project is '', must be ")
    (url,) = problems_of("feast", feast={"url": "http://me:secret@a; b"})
    assert url.startswith("feast.url is 'http://me:***@a; b', must be like ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('redis.url = ["redis://me:hush@h"]', "redis.url is an array, must be a string"),
        ('redis.url = { password = "hush" }', "redis.url is a table, must be a string"),
        ('feast.token = ["hush"]', "feast.token is an array, must be a string"),
        ('redis = "redis://me:hush@h"', "redis is 'redis://me:***@h', must be a table"),
        ('redis = ["redis://me:hush@h"]', "redis is an array, must be a table"),
        ('redis.seeds = "me:hush@h:1"', "redis.seeds is 'me:***@h:1', must be an array of strings"),
        ('redis.seeds = [["hush"]]', "redis.seeds holds an array, must be an array of strings"),
        ('redis.seeds = ["me:hush@h"]', "redis.seeds is ['me:***@h'], must be empty"),
        (
            'redis = { cluster = true, seeds = ["redis://me:hush@h"] }',
            "redis.seeds is ['redis://me:***@h'], must be servers: 'redis://me:***@h' must be",
        ),
        ('models = "redis://me:hush@h"', "models is 'redis://me:***@h', must be a table"),
        ('redis.cluster = "me:hush@h"', "redis.cluster is 'me:***@h', must be true or false"),
        ('redis.connections = ["hush"]', "redis.connections is an array, must be an integer"),
    ],
)
def test_a_secret_in_a_wrong_place_is_not_told(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {"store": {"kind": "redis"}})
    assert "hush" not in str(caught.value)
    assert any(problem.startswith(said) for problem in caught.value.problems)


@pytest.mark.parametrize("kind", ["redis", "feast"])
@pytest.mark.parametrize("name", ["absent.pem", "nonsense.pem"])
def test_files_that_can_not_be_read_stop_the_start(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / "nonsense.pem").write_text("nonsense")
    file = str(tmp_path / name)
    url = "rediss://cache" if kind == "redis" else "https://cache"
    port, problem = problems_of(kind, server={"port": 0}, **{kind: {"url": url, "tls_ca": file}})
    assert port.startswith("server.port is 0")
    assert problem.startswith(f"{kind}.tls_ca is {file!r}, must be a file of certificates: ")


def test_a_command_says_which_file_is_wrong_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANDIT_SERVE_REDIS_TLS_CERT", "/absent.pem")
    result = CliRunner().invoke(stats, ["--store", "rediss://localhost:1"])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: redis.tls_cert is '/absent.pem', must be ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("kind", ["redis", "feast"])
def test_a_file_that_is_gone_since_it_was_checked_is_unavailability(
    tmp_path: Path, kind: str
) -> None:
    url = "rediss://cache" if kind == "redis" else "https://cache"
    adapter = ADAPTERS[StoreKind(kind)]
    values = load_settings(DEFAULT_CONFIG).store.remote[kind]
    with pytest.raises(StoreUnavailable, match=r"tls_ca is .*absent\.pem"):
        adapter.open({**values, "url": url, "tls_ca": str(tmp_path / "absent.pem")})


@pytest.mark.parametrize(
    ("kind", "hidden", "said"),
    [
        ("redis", "redis", "redis needs redis: pip install 'bandit-serve[redis]'"),
        ("redis", "hiredis", "redis needs hiredis: pip install"),
        ("vertex", "google.cloud", "vertex needs google.cloud.aiplatform_v1: pip install"),
        ("vertex-legacy", "google.cloud", "vertex needs google.cloud.aiplatform_v1: pip install"),
        ("feast", "httpx", "feast needs httpx: pip install"),
    ],
)
def test_a_package_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, kind: str, hidden: str, said: str
) -> None:
    monkeypatch.setitem(sys.modules, hidden, None)
    monkeypatch.delitem(sys.modules, f"{hidden}.aiplatform_v1", raising=False)
    (problem,) = problems_of(kind)
    assert problem.startswith(said)


@pytest.mark.parametrize("kind", ["vertex", "vertex-legacy"])
def test_a_chunk_is_no_larger_than_a_call_may_be(kind: str) -> None:
    chunk, *_ = problems_of(kind, remote={"chunk": 101})
    assert chunk.startswith("remote.chunk is 101, must be an integer from 0 to 100")
    assert not any("remote" in problem for problem in problems_of(kind, remote={"chunk": 100}))
    many = {"store": {"kind": "redis"}, "remote": {"chunk": 101}}
    assert load_settings(DEFAULT_CONFIG, many).store.chunked.chunk == 101


@pytest.mark.parametrize("configured", ["embedded", "redis", "feast"])
@pytest.mark.parametrize(("opened", "ids"), [(StoreKind.REDIS, 1_000), (StoreKind.FEAST, 100)])
def test_a_chunk_that_is_left_open_is_what_suits_the_store(
    configured: str, opened: StoreKind, ids: int
) -> None:
    store = load_settings(DEFAULT_CONFIG, {"store": {"kind": configured}}).store
    assert open_chunked(store, opened).settings.chunk == ids


def test_a_url_without_tls_leaves_the_files_of_the_configured_one() -> None:
    choice = parse_store("redis://other")
    files = {"redis": {"url": "rediss://cache", "tls_ca": "/absent.pem"}}
    merged = {**files["redis"], **choice.overrides["redis"]}
    overrides = {"store": choice.overrides["store"], "redis": merged}
    assert load_settings(DEFAULT_CONFIG, overrides).store.remote["redis"]["tls_ca"] == ""
