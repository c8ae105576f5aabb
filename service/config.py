"""The settings: read once from one TOML file and the environment, checked whole, then frozen."""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

from bandit import BayesUCB, EntityTemplate, Greedy, Model, Models, Policy, Prior, ThompsonSampling
from bandit.posterior import Precision
from betadist import cpu_quota
from featurestore import check_name
from service.catalogs.settings import CatalogSettings, read_catalogs
from service.fields import Fields, without_secret
from service.origins import Origins, Setting, Tables
from service.stores.settings import SECTIONS as STORE_SECTIONS
from service.stores.settings import StoreSettings, read_stores

__all__ = [
    "DEFAULT_CONFIG",
    "ConfigError",
    "SamplerSettings",
    "ServerSettings",
    "Settings",
    "config_path",
    "load_settings",
]

DEFAULT_CONFIG = Path(__file__).with_name("default.toml")
ENV_PREFIX = "BANDIT_SERVE_"
POLICIES = ("thompson", "greedy", "bayes-ucb")
# What Kubernetes sets in every container for a service named bandit-serve-redis or the like
CLUSTER_VARIABLE = re.compile(r"_(?<!SERVER_)(PORT|PORT_\d+_.*|SERVICE_HOST|SERVICE_PORT.*)$")
MODEL_VARIABLE = re.compile(rf"{ENV_PREFIX}(MODELS_|CATALOGS_|DEFAULT_MODEL$)")
SECTIONS = ("server", "sampler", *STORE_SECTIONS)  # what is left out of them is as in the default
LOG_LEVELS = ("debug", "info", "warning", "error")
GPU = ("auto", "off", "on")
FLOAT32_RANGE = (1.2e-38, 3.4e38)


class ConfigError(Exception):
    """The configuration is wrong; `problems` has one line for each mistake."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\n  - {problem}" for problem in problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{source}: {count}{lines}")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How requests are accepted; sizes in bytes, times in seconds, limits for each worker."""

    host: str
    port: int
    workers: int
    max_in_flight: int
    max_body_bytes: int
    drain_delay_s: float
    drain_timeout_s: float
    log_level: str


@dataclass(frozen=True, slots=True)
class SamplerSettings:
    """What draws.

    Attributes
    ----------
    gpu : str
        "auto": the GPU, where there is one that works; "on": the same, and one that doesn't is a
        warning; "off": the CPU alone.
    threads : int
        Of the CPU, for one large call.
    calibrate : bool
        Whether to measure at start from how many arms each back end pays.
    """

    gpu: str
    threads: int
    calibrate: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the service was told, checked; `values` has each of it, with its origin."""

    source: str
    server: ServerSettings
    sampler: SamplerSettings
    store: StoreSettings
    models: Models
    catalogs: Mapping[str, CatalogSettings]
    values: tuple[Setting, ...]


def config_path(given: Path | None) -> Path:
    """Return the configuration file: the one given, else the environment's, else the default."""
    named = os.environ.get(ENV_PREFIX + "CONFIG")
    return given or (Path(named) if named else DEFAULT_CONFIG)


def load_settings(path: Path, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Settings:
    """Read and check the settings.

    Parameters
    ----------
    path : Path
        The TOML file.
    overrides : mapping of section to mapping of name to value
        What the command line says; it wins over the environment, which wins over the file.

    Raises
    ------
    ConfigError
        Lists every problem of the file, the environment and the command line at once.
    """
    problems = _misplaced(os.environ)
    given = _read(path)
    standard = _read(DEFAULT_CONFIG)
    table = {**given, **{section: standard[section] for section in SECTIONS}}
    environment, command = _from_environment(os.environ), overrides or {}
    for source in (given, environment, command):
        _override(table, source, problems)
    origins = _origins(path, given, environment, command)
    root = Fields("", table, problems)
    server, store = _server(root.section("server")), read_stores(root, standard)
    sampler, models = _sampler(root.section("sampler"), server.workers), _models(root)
    catalogs = read_catalogs(root, models, store.kind)
    values = tuple(origins.setting(taken) for taken in root.taken)
    settings = Settings(str(path), server, sampler, store, models, catalogs, values)
    root.finish()
    if problems:
        raise ConfigError(str(path), [origins.of_problem(line) for line in problems])
    return settings


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(str(path), ["does not exist"]) from error
    except OSError as error:
        raise ConfigError(str(path), [f"can't be read: {error.strerror}"]) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(str(path), [f"can't be read as TOML: {error}"]) from error


def _override(table: dict[str, Any], source: Mapping[str, Any], problems: list[str]) -> None:
    """Let a source win over what the table has, but for the models."""
    for section in SECTIONS:
        values = source.get(section, {})
        if isinstance(values, dict):
            table[section] = {**table[section], **values}
        else:
            problems.append(f"{section} is {without_secret(values)}, must be a table")


def _origins(path: Path, given: Tables, environment: Tables, command: Tables) -> Origins:
    file = "" if path == DEFAULT_CONFIG else str(path)
    return Origins(file, given, environment, command, ENV_PREFIX, frozenset(SECTIONS))


def _from_environment(environment: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return BANDIT_SERVE_SECTION_NAME=value as tables; a value is TOML where it can be."""
    found: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for section, values in found.items():
        prefix = f"{ENV_PREFIX}{section.upper()}_"
        for variable, text in environment.items():
            if variable.startswith(prefix) and not CLUSTER_VARIABLE.search(variable):
                values[variable.removeprefix(prefix).lower()] = _toml_value(text)
    return found


def _misplaced(environment: Mapping[str, str]) -> list[str]:
    """Return a problem for each variable that would set what only the file can."""
    return [
        f"{variable} is not a setting: models and catalogues are declared in the file"
        for variable in sorted(environment)
        if MODEL_VARIABLE.match(variable) and not CLUSTER_VARIABLE.search(variable)
    ]


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _server(fields: Fields) -> ServerSettings:
    settings = ServerSettings(
        host=_host(fields),
        port=fields.integer("port", low=1, high=65_535),
        workers=fields.integer("workers", low=1, high=1024, words={"auto": cpu_quota()}),
        max_in_flight=fields.integer("max_in_flight", low=1, high=100_000),
        max_body_bytes=fields.integer("max_body_bytes", low=1024, high=1 << 30),
        drain_delay_s=fields.number("drain_delay_s", low=0, high=600),
        drain_timeout_s=fields.number("drain_timeout_s", low=1, high=600),
        log_level=fields.choice("log_level", LOG_LEVELS),
    )
    fields.finish()
    return settings


def _sampler(fields: Fields, workers: int) -> SamplerSettings:
    threads = fields.integer("threads", low=0, high=1024)
    settings = SamplerSettings(
        gpu=fields.choice("gpu", GPU),
        threads=threads or max(1, cpu_quota() // workers),
        calibrate=fields.flag("calibrate"),
    )
    fields.finish()
    return settings


def _host(fields: Fields) -> str:
    host = fields.text("host")
    try:
        ip_address(host)
    except ValueError:
        fields.problem("host", f"is {host!r}, must be an IP address of this machine")
    return host


def _models(root: Fields) -> Models:
    fields = root.section("models", required=True)
    models = {name: _model(name, fields.section(name)) for name in fields.names()}
    if not models:
        fields.problem("", "must declare at least one model")
    fields.finish()
    only = next(iter(models)) if len(models) == 1 else None
    default = root.text("default_model", only) if only else root.text("default_model")
    if default and default not in models:
        root.problem("default_model", f"is {default!r}, but no model of that name is declared")
    return Models(models, default)


def _model(name: str, fields: Fields) -> Model:
    model = Model(
        name=name,
        version=fields.text("version"),
        entity_type=_entity_type(fields),
        entity=_entity(fields),
        features=_features(fields),
        prior=_prior(fields.section("prior")),
        policy=_policy(fields),
        precision=cast(Precision, fields.choice("precision", ("float32", "float64"), "float32")),
        degrade=fields.choice("on_late_features", ("degrade", "fail"), "degrade") == "degrade",
        max_candidates=fields.integer("max_candidates", 10_000, low=1, high=10_000_000),
        deadline_s=fields.integer("deadline_ms", 250, low=1, high=600_000) / 1000,
    )
    fields.finish()
    return model


def _entity_type(fields: Fields) -> str:
    name = fields.text("entity_type", "content")
    try:
        check_name("entity_type", name)
    except ValueError as error:
        fields.problem("entity_type", str(error).removeprefix("entity_type "))
    return name


def _entity(fields: Fields) -> EntityTemplate:
    try:
        return EntityTemplate.parse(fields.text("entity", "{candidate}"))
    except ValueError as error:
        fields.problem("entity", str(error))
        return EntityTemplate.parse("{candidate}")


def _features(fields: Fields) -> tuple[str, str]:
    names = fields.texts("features", ("alpha", "beta"))
    if len(names) != 2 or names[0] == names[1]:
        fields.problem("features", f"is {list(names)}, must be two names, alpha's and beta's")
        return ("alpha", "beta")
    return names[0], names[1]


def _prior(fields: Fields) -> Prior:
    low, high = FLOAT32_RANGE
    prior = Prior(
        fields.number("alpha", low=low, high=high),
        fields.number("beta", low=low, high=high),
    )
    fields.finish()
    return prior


def _policy(fields: Fields) -> Policy:
    name, level = fields.value("policy"), 0.95
    if isinstance(name, dict):
        table = fields.section("policy")
        name, level = table.choice("name", POLICIES), table.number("level", 0.95, low=0, high=1)
        table.finish()
    else:
        name = fields.choice("policy", POLICIES, "thompson")
    if name != "bayes-ucb":
        return Greedy() if name == "greedy" else ThompsonSampling()
    if find_spec("scipy") is None:
        fields.problem("policy", "bayes-ucb needs scipy: pip install 'bandit-serve[bayes-ucb]'")
    try:
        return BayesUCB(level)
    except ValueError as error:
        fields.problem("policy", str(error))
        return BayesUCB()
