"""The settings of the catalogues: a section [catalogs.NAME] for each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from bandit import BayesUCB, Model, Models
from featurestore.bulk import FileFormat, SourceError, format_of
from service.fields import Fields
from service.stores.kind import StoreKind

__all__ = ["MAX_TAGS", "CatalogSettings", "read_catalogs"]

MAX_TAGS = 53  # tags are bits of an integer in a float64
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")  # of files, too
LISTED = (StoreKind.EMBEDDED, StoreKind.REDIS)


@dataclass(frozen=True, slots=True)
class CatalogSettings:
    """A catalogue as declared in the configuration.

    Attributes
    ----------
    model : Model
        Which arms it holds: those of the model's table, with its prior and in its precision.
    path : str
        A CSV or Parquet file; empty: the model's table in the store.
    tags : tuple of str
        At most 53; bit i of the integer in `tag_feature` says whether an arm carries the i-th.
    refresh_s : float
        Seconds from one reading to the next.
    timeout_s : float
        Seconds that a reading may take.
    """

    name: str
    model: Model
    path: str
    tags: tuple[str, ...]
    tag_feature: str
    refresh_s: float
    timeout_s: float

    def holds_arms_of(self, model: Model) -> bool:
        """Whether another model would have the very same arms, and can rank them."""
        mine = self.model
        return not isinstance(model.policy, BayesUCB) and (
            (model.entity_type, model.entity, model.features, model.prior, model.precision)
            == (mine.entity_type, mine.entity, mine.features, mine.prior, mine.precision)
        )


def read_catalogs(root: Fields, models: Models, kind: StoreKind) -> Mapping[str, CatalogSettings]:
    """Read the sections of all catalogues, which may be none, of a store of this kind."""
    fields = root.section("catalogs")
    read = [_read(name, fields.section(name), models, kind) for name in fields.names()]
    fields.finish()
    return {settings.name: settings for settings in read if settings}


def _read(name: str, fields: Fields, models: Models, kind: StoreKind) -> CatalogSettings | None:
    if not NAME.fullmatch(name):
        fields.problem("", "is not a name: 1 to 64 letters, digits, - and _ make one")
    model = _model(fields, models)
    path, tags = _path(fields, kind), _tags(fields)
    tag_feature = fields.text("tag_feature", "tags")
    if model and tags and tag_feature in model.features:
        fields.problem("tag_feature", f"is {tag_feature!r}, which is a feature of the model")
    refresh_s = fields.number("refresh_s", 60.0, low=0.1, high=604_800)
    timeout_s = fields.number("timeout_s", 600.0, low=1, high=86_400)
    fields.finish()
    if model is None:
        return None
    return CatalogSettings(name, model, path, tags, tag_feature, refresh_s, timeout_s)


def _model(fields: Fields, models: Models) -> Model | None:
    name = fields.text("model", models.default or next(iter(models.by_name), ""))
    model = models.by_name.get(name)
    if model is None:
        fields.problem("model", f"is {name!r}, but no model of that name is declared")
    elif model.entity.keys:
        keys = ", ".join(model.entity.keys)
        fields.problem("model", f"is {name!r}, whose entity needs a context: {keys}")
    elif isinstance(model.policy, BayesUCB):
        fields.problem("model", f"is {name!r}, whose policy is bayes-ucb, too slow for a catalogue")
    return model


def _path(fields: Fields, kind: StoreKind) -> str:
    path = fields.text("path", "", empty=True)
    if not path and kind not in LISTED:
        fields.problem("path", f"is '', but a store of kind {kind} can't be listed: name a file")
    if path:
        _check_format(fields, path)
    return path


def _check_format(fields: Fields, path: str) -> None:
    try:
        parquet = format_of(path) is FileFormat.PARQUET
    except SourceError as error:
        fields.problem("path", f"is {path!r}: {error}")
        return
    if path == "-":
        fields.problem("path", "is '-', must be a file that can be read again")
    if parquet and find_spec("pyarrow") is None:
        fields.problem("path", "is Parquet, which needs: pip install 'bandit-serve[parquet]'")


def _tags(fields: Fields) -> tuple[str, ...]:
    tags = fields.texts("tags", ())
    if len(set(tags)) < len(tags) or len(tags) > MAX_TAGS:
        fields.problem("tags", f"has {len(tags)} names, must be {MAX_TAGS} different ones at most")
        return ()
    return tags
