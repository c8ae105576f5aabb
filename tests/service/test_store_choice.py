"""Which store a command is about, and what stores of other kinds say."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from featurestore import LmdbStore, StoreError
from service.config import DEFAULT_CONFIG, Settings, load_settings
from service.data import export, load, stats
from service.stores.choice import StoreChoice, parse_store
from service.stores.kind import StoreKind
from service.stores.opening import name_of, open_tables, same_store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(DEFAULT_CONFIG, {"store": {"path": str(tmp_path / "configured")}})


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("embedded", StoreChoice(StoreKind.EMBEDDED)),
        ("redis", StoreChoice(StoreKind.REDIS)),
        ("vertex", StoreChoice(StoreKind.VERTEX)),
        ("vertex-legacy", StoreChoice(StoreKind.VERTEX_LEGACY)),
        ("feast", StoreChoice(StoreKind.FEAST)),
        ("redis://cache", StoreChoice(StoreKind.REDIS, "redis://cache")),
        ("rediss://u:p@cache:1/2", StoreChoice(StoreKind.REDIS, "rediss://u:p@cache:1/2")),
        ("unix:///run/redis.sock", StoreChoice(StoreKind.REDIS, "unix:///run/redis.sock")),
        ("data/store", StoreChoice(StoreKind.EMBEDDED, "data/store")),
        ("./redis", StoreChoice(StoreKind.EMBEDDED, "./redis")),
        ("Redis", StoreChoice(StoreKind.EMBEDDED, "Redis")),
        ("/a:b", StoreChoice(StoreKind.EMBEDDED, "/a:b")),
        ("./a:1", StoreChoice(StoreKind.EMBEDDED, "./a:1")),
    ],
)
def test_a_store_is_a_folder_a_url_or_a_kind(text: str, choice: StoreChoice) -> None:
    assert parse_store(text) == choice


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("http://cache", "unknown scheme 'http', must have one of redis, rediss, unix"),
        ("redis:6379", "is no URL"),
        ("localhost:6379", "is no URL: did you mean redis://localhost:6379?"),
        ("127.0.0.1:7811", "did you mean redis://127.0.0.1:7811?"),
        ("cache.internal:7811/0", "did you mean redis://cache.internal:7811/0?"),
        ("[::1]:7811", "did you mean redis:"),
        ("redis:/cache", "is no URL, which begins"),
        ("://cache", "unknown scheme ''"),
        ("redis://me:secret", "host or port can't be read"),
        ("redis://[::1", "host or port can't be read"),
    ],
)
def test_what_names_no_store_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_store(text)
    result = CliRunner().invoke(stats, ["--store", text])
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_without_a_choice_the_configured_store_is_opened(settings: Settings) -> None:
    for choice in (None, StoreChoice(), StoreChoice(StoreKind.EMBEDDED)):
        with open_tables(settings, choice, readonly=False) as store:
            assert isinstance(store, LmdbStore)
            assert store.path == settings.store.path


def test_a_folder_wins_over_the_configured_one(settings: Settings, tmp_path: Path) -> None:
    with open_tables(settings, parse_store(str(tmp_path / "given")), readonly=False) as store:
        assert isinstance(store, LmdbStore)
        assert store.path == tmp_path / "given"
    assert not settings.store.path.exists()


@pytest.mark.parametrize("kind", ["vertex", "vertex-legacy", "feast"])
def test_stores_without_tables_say_so(settings: Settings, kind: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"{kind} can't be written"):
        open_tables(settings, parse_store(kind), readonly=False)
    file = tmp_path / "rows.csv"
    file.write_text("id,alpha,beta\na,1,2\n")
    for command, arguments, verb in (
        (load, [str(file)], "written"),
        (export, [str(tmp_path / "out.csv")], "listed"),
        (stats, [], "listed"),
    ):
        result = CliRunner().invoke(command, [*arguments, "--store", kind])
        assert result.exit_code == 2
        assert f"{kind} can't be {verb}" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


@pytest.mark.parametrize("store", ["redis", "redis://localhost:1", "unix:///absent.sock"])
def test_without_its_package_the_extra_of_redis_is_named(store: str) -> None:
    hidden = "import sys; sys.modules['hiredis'] = None; from service.data import stats; stats()"
    command = [sys.executable, "-c", hidden, "--store", store]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert "redis needs hiredis: pip install 'bandit-serve[redis]'" in result.stderr


@pytest.mark.parametrize("store", ["redis", "redis://localhost:1", "vertex", "feast"])
def test_only_the_embedded_store_is_replaced_and_nothing_is_read_before(store: str) -> None:
    arguments = ["absent.csv", "--mode", "replace", "--store", store]
    result = CliRunner().invoke(load, arguments)
    assert result.exit_code == 2
    assert "--mode replace is for the embedded store" in result.stderr
    assert "absent.csv" not in result.stderr


@pytest.mark.parametrize(
    ("text", "overrides"),
    [
        ("redis", {"store": {"kind": "redis"}}),
        ("vertex", {"store": {"kind": "vertex"}}),
        ("a/b", {"store": {"kind": "embedded", "path": "a/b"}}),
        (
            "redis://cache",
            {
                "store": {"kind": "redis"},
                "redis": {
                    "url": "redis://cache",
                    "cluster": False,
                    "seeds": [],
                    "tls_ca": "",
                    "tls_cert": "",
                    "tls_key": "",
                },
            },
        ),
        (
            "rediss://cache",
            {
                "store": {"kind": "redis"},
                "redis": {"url": "rediss://cache", "cluster": False, "seeds": []},
            },
        ),
    ],
)
def test_a_choice_overrides_the_settings(text: str, overrides: dict) -> None:
    assert StoreChoice().overrides == {}
    assert parse_store(text).overrides == overrides


def test_names_show_no_password(settings: Settings) -> None:
    shown = name_of(settings, parse_store("rediss://me:secret@cache:6380/1?password=secret"))
    assert shown == "rediss://me@cache:6380/1"
    assert name_of(settings, parse_store("redis://:secret@cache")) == "redis://cache"
    assert name_of(settings, parse_store("unix:///run/redis.sock")) == "unix:///run/redis.sock"
    assert name_of(settings, parse_store("feast")) == "http://127.0.0.1:6566"
    assert name_of(settings, StoreChoice()) == str(settings.store.path)
    assert name_of(settings, parse_store("redis")) == "redis://127.0.0.1:6379/0"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a", "./a", True),
        ("a", "b/../a", True),
        ("a", "b", False),
        ("embedded", "configured", True),
        ("embedded", "redis", False),
        ("redis://cache/0", "redis://other@CACHE/0/", True),
        ("redis://cache", "redis://cache:6379/0", True),
        ("redis://127.0.0.1", "redis", True),
        ("redis://cache/0", "redis://cache/1", False),
        ("unix:///a.sock", "unix:///b.sock", False),
        ("unix:///a.sock?db=0", "unix:///a.sock?db=1", False),
    ],
)
def test_one_store_has_many_names(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    one: str,
    other: str,
    same: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert same_store(settings, parse_store(one), parse_store(other)) is same
