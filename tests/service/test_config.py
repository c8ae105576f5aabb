"""Settings: wrong ones stop the start, all at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from bandit import BayesUCB, Greedy, Prior, ThompsonSampling
from service.config import DEFAULT_CONFIG, ConfigError, load_settings

COMMAND = str(Path(sys.executable).with_name("bandit-serve"))
PRIOR = "prior = { alpha = 1.0, beta = 1.0 }\n"
NO_PRIOR = 'default_model = "m"\n[models.m]\nversion = "1"\n'
ONE_MODEL = NO_PRIOR + PRIOR


def settings_of(tmp_path: Path, text: str, **overrides):
    path = tmp_path / "config.toml"
    path.write_text(text)
    return load_settings(path, overrides)


def problems_of(tmp_path: Path, text: str, **overrides) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, text, **overrides)
    return caught.value.problems


def test_the_default_configuration_is_right_and_complete() -> None:
    settings = load_settings(DEFAULT_CONFIG)
    model = settings.models.by_name[settings.models.default]
    assert model.prior == Prior(2.0, 30.0)
    assert isinstance(model.policy, ThompsonSampling)
    assert settings.server.port == 8000


def test_what_a_model_leaves_out_is_what_the_default_file_shows(tmp_path) -> None:
    shown = load_settings(DEFAULT_CONFIG).models.by_name["homepage"]
    left_out = settings_of(tmp_path, ONE_MODEL).models.by_name["m"]
    for name in ("entity", "features", "policy", "precision", "degrade", "deadline_s"):
        assert getattr(shown, name) == getattr(left_out, name), name
    assert shown.max_candidates == left_out.max_candidates


def test_five_mistakes_are_five_lines_and_a_status(tmp_path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(
        """
default_model = "nobody"
[server]
port = 123456
wrokers = 2
[models.m]
version = "1"
prior = { alpha = 0.0, beta = 1.0 }
policy = "random"
"""
    )
    run = [COMMAND, "run", "--config", str(path), "--store", str(tmp_path / "store")]
    result = subprocess.run(run, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 2
    lines = result.stderr.splitlines()
    assert lines[0] == f"bandit-serve: {path}: 5 problems"
    for part in (
        "server.port is 123456, must be an integer from 1 to 65535",
        "server.wrokers is not a setting",
        "models.m.prior.alpha is 0.0, must be a number from",
        "models.m.policy is 'random', must be one of thompson, greedy, bayes-ucb",
        "default_model is 'nobody', but no model of that name is declared",
    ):
        assert sum(part in line for line in lines[1:]) == 1, part
    assert len(lines) == 6


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("default_model = ", "can't be read as TOML"),
        ('default_model = "m"', "models is missing"),
        ("[models.m]\nversion='1'\n[models.n]\nversion='1'", "default_model is missing"),
        ('default_model = "m"\n[models.m]', "models.m.version is missing"),
        (ONE_MODEL + 'entity = "{segment}"', "must contain {candidate} exactly once"),
        (ONE_MODEL + 'entity = "{candidate:>3}"', "format specification"),
        (ONE_MODEL + 'entity = "{candidate"', "models.m.entity"),
        (ONE_MODEL + 'features = ["alpha"]', "must be two names"),
        (NO_PRIOR + "prior = { alpha = nan, beta = 1 }", "models.m.prior.alpha is nan"),
        (NO_PRIOR + "prior = 3", "models.m.prior is 3, must be a table"),
        (NO_PRIOR, "models.m.prior.alpha is missing"),
        (NO_PRIOR + "prior = { alpha = 2 }", "models.m.prior.beta is missing"),
        (ONE_MODEL + "[store]\nhot_rows = 0", "store.hot_rows is 0, must be an integer from 1"),
        (ONE_MODEL + 'policy = { name = "bayes-ucb", level = 1.0 }', "must be between 0 and 1"),
        (ONE_MODEL + 'policy = { name = "greedy", levle = 1.0 }', "levle is not a setting"),
        (ONE_MODEL + 'on_late_features = "ignore"', "must be one of degrade, fail"),
        (ONE_MODEL + f"entity_type = '{'x' * 201}'", "must have 1 to 200 bytes of UTF-8"),
        (ONE_MODEL + '[server]\nhost = "localhost"', "server.host is 'localhost', must be an IP"),
        (ONE_MODEL + "deadline_ms = true", "deadline_ms is True, must be an integer"),
        ("server = 3\n" + ONE_MODEL, "server is 3, must be a table"),
        ("models = 3\ndefault_model = 'm'", "models is 3, must be a table"),
        (ONE_MODEL + '[server]\nworkers = "many"', "or 'auto'"),
        (ONE_MODEL + "[store]\nkind = 'reddis'", "store.kind is 'reddis', must be one of embedded"),
        (ONE_MODEL + "[remote]\nhedge = 1", "remote.hedge is 1, must be true or false"),
        (ONE_MODEL + "[remote]\nhot_ttl_s = -1", "remote.hot_ttl_s is -1, must be a number from"),
    ],
)
def test_problems_name_field_and_value(tmp_path, text: str, problem: str) -> None:
    assert any(problem in line for line in problems_of(tmp_path, text))


def test_command_line_beats_environment_beats_file(tmp_path, monkeypatch) -> None:
    text = ONE_MODEL + "[server]\nport = 1111\nhost = '127.0.0.2'\nmax_in_flight = 5"
    monkeypatch.setenv("BANDIT_SERVE_SERVER_PORT", "2222")
    monkeypatch.setenv("BANDIT_SERVE_SERVER_HOST", "127.0.0.3")
    settings = settings_of(tmp_path, text, server={"port": 3333})
    assert settings.server.port == 3333
    assert settings.server.host == "127.0.0.3"
    assert settings.server.max_in_flight == 5


def test_the_environment_is_checked_too(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("BANDIT_SERVE_SERVER_PORT", "many")
    monkeypatch.setenv("BANDIT_SERVE_STORE_PAHT", "x")
    problems = problems_of(tmp_path, ONE_MODEL)
    (port,) = [line for line in problems if "server.port is 'many'" in line]
    assert port.endswith("(from the environment)")
    assert any("store.paht is not a setting" in line for line in problems)
    (port,) = problems_of(tmp_path, ONE_MODEL, server={"port": 0}, store={"paht": 1})[:1]
    assert port.endswith("(from the command line)")


def test_what_a_cluster_puts_into_the_environment_is_left_alone(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("BANDIT_SERVE_PORT", "tcp://10.0.0.1:80")
    monkeypatch.setenv("BANDIT_SERVE_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("BANDIT_SERVE_REDIS_PORT", "tcp://10.0.0.2:6379")
    monkeypatch.setenv("BANDIT_SERVE_REDIS_PORT_6379_TCP_ADDR", "10.0.0.2")
    monkeypatch.setenv("BANDIT_SERVE_REDIS_SERVICE_HOST", "10.0.0.2")
    monkeypatch.setenv("BANDIT_SERVE_REDIS_SERVICE_PORT", "6379")
    monkeypatch.setenv("BANDIT_SERVE_MODELS_PORT_80_TCP", "tcp://10.0.0.3:80")
    assert settings_of(tmp_path, ONE_MODEL).server.port == 8000


@pytest.mark.parametrize(
    "name", ["MODELS_M_VERSION", "MODELS_X", "DEFAULT_MODEL", "CATALOGS_C_PATH"]
)
def test_models_are_not_set_in_the_environment(tmp_path, monkeypatch, name: str) -> None:
    monkeypatch.setenv(f"BANDIT_SERVE_{name}", "1")
    said = f"BANDIT_SERVE_{name} is not a setting: models and catalogues are declared in the file"
    assert problems_of(tmp_path, ONE_MODEL) == (said,)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path) -> None:
    with pytest.raises(ConfigError) as raised:
        load_settings(tmp_path / "none.toml")
    assert raised.value.problems == ("does not exist",)


def test_the_only_model_is_the_default(tmp_path) -> None:
    alone = "[models.m]\nversion = '1'\n" + PRIOR
    assert settings_of(tmp_path, alone).models.default == "m"


def test_a_store_that_is_not_there_stops_the_start(tmp_path) -> None:
    run = [COMMAND, "run", "--store", str(tmp_path / "typo")]
    result = subprocess.run(run, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 2
    assert f"store {tmp_path / 'typo'}: does not exist" in result.stderr
    assert "a load makes it" in result.stderr
    assert not (tmp_path / "typo").exists()


def test_policies(tmp_path) -> None:
    policies = {
        "'greedy'": Greedy(),
        "'bayes-ucb'": BayesUCB(0.95),
        "{ name = 'bayes-ucb', level = 0.8 }": BayesUCB(0.8),
        "{ name = 'thompson' }": ThompsonSampling(),
    }
    for text, policy in policies.items():
        model = settings_of(tmp_path, ONE_MODEL + f"policy = {text}").models.by_name["m"]
        assert model.policy == policy


def test_features_that_the_store_does_not_have_stop_the_start(tmp_path, store) -> None:
    path = tmp_path / "config.toml"
    path.write_text(ONE_MODEL + 'features = ["alpha", "gamma"]')
    run = [COMMAND, "run", "--config", str(path), "--store", str(store)]
    result = subprocess.run(run, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 2
    assert "models.m.features is ['alpha', 'gamma'], but the table 'content'" in result.stderr


def test_config_prints_a_configuration_that_works(tmp_path) -> None:
    result = subprocess.run([COMMAND, "config"], capture_output=True, text=True, check=True)
    assert settings_of(tmp_path, result.stdout).models.default == "homepage"


def test_run_help_is_complete() -> None:
    result = subprocess.run([COMMAND, "run", "--help"], capture_output=True, text=True, check=True)
    for word in (
        "--config",
        "--port",
        "--workers",
        "--store",
        "SIGTERM",
        "Exit status",
        "Examples",
    ):
        assert word in result.stdout


CATALOG = ONE_MODEL + "[catalogs.videos]\n"


def test_a_catalogue_may_leave_everything_out(tmp_path) -> None:
    settings = settings_of(tmp_path, CATALOG)
    catalog = settings.catalogs["videos"]
    assert catalog.model is settings.models.by_name["m"]
    assert (catalog.path, catalog.tags, catalog.tag_feature) == ("", (), "tags")
    assert (catalog.refresh_s, catalog.timeout_s) == (60.0, 600.0)


def test_the_example_of_a_catalogue_in_the_default_file_is_right(tmp_path) -> None:
    text = DEFAULT_CONFIG.read_text()
    head, example = text.split("# [catalogs.content]")
    lines = [line.removeprefix("# ") for line in example.splitlines() if "=" in line]
    shown = settings_of(tmp_path, "\n".join((head, "[catalogs.content]", *lines)))
    left_out = settings_of(tmp_path, f"{head}\n[catalogs.content]\n")
    assert shown.catalogs == left_out.catalogs


def test_another_model_may_rank_the_arms_of_a_catalogue_if_they_are_its_own(tmp_path) -> None:
    text = CATALOG
    for name, more in {
        "greedy": 'policy = "greedy"',
        "other": 'entity_type = "other"',
        "wide": 'precision = "float64"',
        "ucb": 'policy = "bayes-ucb"',
    }.items():
        text += f'[models.{name}]\nversion = "2"\n{PRIOR}{more}\n'
    settings = settings_of(tmp_path, text)
    holds = settings.catalogs["videos"].holds_arms_of
    assert [name for name, model in settings.models.by_name.items() if holds(model)] == [
        "m",
        "greedy",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('model = "n"', "model is 'n', but no model of that name is declared"),
        ('model = "ucb"', "model is 'ucb', whose policy is bayes-ucb"),
        ('model = "pairs"', "model is 'pairs', whose entity needs a context: segment"),
        ('path = "arms.txt"', "path is 'arms.txt': arms.txt: the name ends in none of .csv"),
        ('path = "-"', "path is '-', must be a file that can be read again"),
        ('tags = ["a", "a"]', "tags has 2 names, must be 53 different ones at most"),
        (f"tags = {[str(i) for i in range(54)]}", "tags has 54 names, must be 53 different"),
        ('tags = ["a"]\ntag_feature = "beta"', "tag_feature is 'beta', which is a feature"),
        ("refresh_s = 0", "refresh_s is 0, must be a number from 0.1 to 604800"),
        ("timeout_s = 0.1", "timeout_s is 0.1, must be a number from 1 to 86400"),
        ("refresh = 1", "refresh is not a setting; known here: model, path, refresh_s"),
    ],
)
def test_what_is_wrong_with_a_catalogue_is_said(tmp_path, text: str, problem: str) -> None:
    others = f'[models.ucb]\nversion = "1"\n{PRIOR}policy = "bayes-ucb"\n'
    others += f'[models.pairs]\nversion = "1"\n{PRIOR}entity = "{{segment}}:{{candidate}}"\n'
    (found,) = problems_of(tmp_path, f"{CATALOG}{text}\n{others}")
    assert found.startswith(f"catalogs.videos.{problem}")


def test_a_catalogue_of_a_store_that_cannot_be_listed_needs_a_file(tmp_path) -> None:
    feast = {"store": {"kind": "feast"}}
    (found,) = problems_of(tmp_path, CATALOG, **feast)
    assert found.startswith("catalogs.videos.path is '', but a store of kind feast can't be listed")
    assert settings_of(tmp_path, CATALOG + 'path = "arms.csv"', **feast).catalogs


def test_the_name_of_a_catalogue_is_one_of_a_file(tmp_path) -> None:
    (found,) = problems_of(tmp_path, ONE_MODEL + "[catalogs.'../x']\n")
    assert found == "catalogs.../x is not a name: 1 to 64 letters, digits, - and _ make one"
