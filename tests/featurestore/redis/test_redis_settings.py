"""Settings of Redis: what is accepted, and every problem in one text. The tables of errors."""

import inspect
from pathlib import Path

import pytest
import redis.exceptions as foreign
from hiredis import ReplyError
from redis._parsers.base import BaseParser

from featurestore import StoreFull, StoreUnavailable
from featurestore.redis import RedisSettings, RedisStore, RedisTables
from featurestore.redis.translation import CODES, TRANSLATIONS, translated, translation

# Errors of what this project does not use: publishing, locks, transactions, modules, field sets.
UNUSED = {"InvalidPipelineStack", "ChildDeadlockedError", "IncorrectPolicyType"}


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://cache", ("cache", 6379)),
        ("rediss://u:p%40@cache:6380/0", ("cache", 6380)),
        ("unix:///run/redis.sock?db=2", ("/run/redis.sock", 0)),
        ("redis://[::1]:7000", ("::1", 7000)),
    ],
)
def test_urls(url: str, address: tuple[str, int]) -> None:
    assert RedisSettings(url).endpoint.address == address


def test_parts_of_a_url() -> None:
    endpoint = RedisSettings("rediss://u:p%40@h/3").endpoint
    assert (endpoint.username, endpoint.password, endpoint.database) == ("u", "p@", 3)
    assert endpoint.tls


def test_a_password_is_not_shown() -> None:
    settings = RedisSettings("redis://u:secret@h")
    assert "secret" not in repr(settings) + repr(settings.endpoint)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"url": "ftp://a; b"}, "url is 'ftp://a; b', must be like redis://"),
        ({"url": "redis://h:port"}, "url is 'redis://h:***', must be like"),
        ({"url": "redis://h?socket_timeout=3"}, "socket_timeout"),
        ({"url": "redis://h/1", "cluster": True}, "database 0 only"),
        ({"url": "unix:///s", "cluster": True}, "no unix socket"),
        ({"url": "redis://u:secret@h:port"}, "url is 'redis://u:***@h:port', must be like"),
        ({"url": "rediss://u:secret@h:port"}, "url is 'rediss://u:***@h:port', must be like"),
        ({"url": "redis://h?password=secret&x=1"}, "url is 'redis://h?password=***&x=1'"),
        ({"seeds": ("h:1",)}, "only a cluster"),
        ({"seeds": ("h",), "cluster": True}, "'h' must be host:port"),
        ({"prefix": "a:b"}, "must hold no ':'"),
        ({"prefix": ""}, "prefix is ''"),
        ({"connections": 0}, "connections is 0"),
        ({"stall_s": float("nan")}, "stall_s is nan"),
        ({"tls_verify": "no"}, "tls_verify is 'no'"),
        ({"tls_ca": "ca.pem"}, "must start with rediss://"),
        ({"url": "rediss://h", "tls_key": "k.pem"}, "must be empty without tls_cert"),
        ({"url": "rediss://h", "tls_ca": "/absent.pem"}, "tls_ca is '/absent.pem', must be a file"),
        ({"url": "rediss://h", "tls_cert": "/no.pem"}, "tls_cert is '/no.pem', must be a file"),
    ],
)
def test_a_wrong_setting_is_named(wrong: dict, text: str) -> None:
    (problem,) = RedisSettings(**wrong).problems()
    assert text in problem
    assert problem.split(" is ")[0] in wrong
    assert "secret" not in problem


def test_stores_of_wrong_settings_are_not_made_and_all_problems_are_told() -> None:
    settings = RedisSettings(prefix="", connections=0, stall_s=0)
    for make in (RedisStore, RedisTables):
        with pytest.raises(ValueError, match=r"prefix is .*; connections is .*; stall_s is "):
            make(settings)


def test_files_of_tls_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "nonsense.pem").write_text("nonsense")
    for name in ("missing.pem", "nonsense.pem"):
        with pytest.raises(ValueError, match=name):
            RedisSettings("rediss://h", tls_ca=str(tmp_path / name)).tls()


def test_every_error_word_that_the_client_package_knows_is_in_the_table() -> None:
    assert set(BaseParser.EXCEPTION_CLASSES) <= set(CODES)
    for word, (kind, text) in CODES.items():
        error = translated("redis h:1", ReplyError(f"{word} said so"))
        assert type(error) is kind
        assert str(error) == f"redis h:1: {text} ({word} said so)"
    assert type(translated("r", ReplyError("NEW and unknown"))) is StoreUnavailable
    assert type(translated("r", ReplyError("OOM command not allowed"))) is StoreFull


def test_every_error_of_the_client_package_is_translated() -> None:
    kinds = [
        kind
        for name, kind in inspect.getmembers(foreign, inspect.isclass)
        if issubclass(kind, Exception) and name not in UNUSED
    ]
    assert len(kinds) > 20
    for kind in kinds:
        assert any(issubclass(kind, known) for known, *_ in TRANSLATIONS), kind
    assert type(translation("r", foreign.TimeoutError("slow"))) is StoreUnavailable
    assert type(translation("r", foreign.OutOfMemoryError("full"))) is StoreFull
