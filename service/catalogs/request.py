"""A request that names a catalogue where another lists its candidates."""

from dataclasses import dataclass
from typing import Any

from bandit import Eligible, Model, Models, Sampler
from bandit.posterior import Column
from idcolumn import IdColumn
from service.catalogs.catalog import Catalog, Catalogs
from service.catalogs.settings import MAX_TAGS
from service.catalogs.snapshot import Snapshot
from service.errors import CatalogNotLoaded, FieldError, InvalidRequest
from service.request import (
    check_lengths,
    note_wrong,
    read_decision_id,
    read_ids,
    read_integer,
    read_model,
    read_order,
    read_timeout_s,
    shown,
    unknown_fields,
)

__all__ = ["CatalogRequest", "read_catalog_request"]

FIELDS = frozenset({"catalog", "exclude", "include_tags", "exclude_tags"})


@dataclass(frozen=True, slots=True)
class CatalogRequest:
    """A request that was found right; `model` and `snapshot` are kept until its answer.

    Attributes
    ----------
    include, exclude : int
        Tags by their bits, as of `bandit.Eligible`.
    without : IdColumn
        Ids of arms that stay out, in the catalogue or not.
    """

    name: str
    snapshot: Snapshot
    model: Model
    include: int
    exclude: int
    without: IdColumn
    decision_id: str | None
    top_k: int
    deadline_s: float

    @property
    def arms(self) -> int:
        """How many arms the catalogue has, for this request."""
        return len(self.snapshot.arms)

    def best(self, decision_id: str, sampler: Sampler) -> tuple[IdColumn, Column]:
        """Return ids and scores of the best arms, best first."""
        snapshot = self.snapshot
        eligible = Eligible(self.include, self.exclude, snapshot.positions(self.without))
        best, scores = self.model.top_k(snapshot.arms, eligible, decision_id, self.top_k, sampler)
        return snapshot.ids(best), scores


def read_catalog_request(
    envelope: dict[str, Any], models: Models, catalogs: Catalogs, errors: list[FieldError]
) -> CatalogRequest:
    """Check a request whose candidates are an object; see `service.wire.read_request`."""
    given = envelope["candidates"]
    errors += unknown_fields(given, FIELDS, "candidates.")
    catalog = _catalog(given, catalogs, errors)
    model = _model(envelope, models, catalog, errors)
    most = model.max_candidates if model else None
    include = _tags(given, "include_tags", catalog, errors)
    exclude = _tags(given, "exclude_tags", catalog, errors)
    without = _ids(given, most, errors)
    decision_id = read_decision_id(envelope, errors)
    top_k = _top_k(envelope, most, errors)
    _refuse_what_lists_have(envelope, errors)
    timeout_s = read_timeout_s(envelope, errors)
    if errors or catalog is None or model is None or top_k is None:
        raise InvalidRequest(errors)
    name, snapshot = catalog.settings.name, catalog.snapshot
    if snapshot is None:
        raise CatalogNotLoaded(name)
    deadline_s = min(model.deadline_s, timeout_s)
    return CatalogRequest(
        name, snapshot, model, include, exclude, without, decision_id, top_k, deadline_s
    )


def _catalog(given: dict[str, Any], catalogs: Catalogs, errors: list[FieldError]) -> Catalog | None:
    name = given.get("catalog")
    if name is None:
        errors.append(FieldError("candidates.catalog", "is missing"))
        return None
    catalog = catalogs.by_name.get(name) if isinstance(name, str) else None
    if catalog is None:
        known = ", ".join(catalogs.by_name)
        message = f"is {shown(name)}, must be one of: {known}"
        errors.append(FieldError("candidates.catalog", message))
    return catalog


def _model(
    envelope: dict[str, Any],
    models: Models,
    catalog: Catalog | None,
    errors: list[FieldError],
) -> Model | None:
    """Return the model that is named, which must have the catalogue's arms, or the catalogue's."""
    if catalog is None and envelope.get("model") is None:
        return None
    default = catalog.settings.model.name if catalog else models.default
    model = read_model(envelope, models, default, errors)
    if model and catalog and not catalog.settings.holds_arms_of(model):
        fitting = [m.name for m in models.by_name.values() if catalog.settings.holds_arms_of(m)]
        message = (
            f"is {shown(model.name)}, which can't rank the arms of the catalogue "
            f"{catalog.settings.name!r}; those that can are: {', '.join(fitting)}"
        )
        errors.append(FieldError("model", message))
    return model


def _tags(
    given: dict[str, Any], name: str, catalog: Catalog | None, errors: list[FieldError]
) -> int:
    """Return the bits of the tags in the field of this name."""
    field, value = f"candidates.{name}", given.get(name)
    if value is None:
        return 0
    if not isinstance(value, list):
        errors.append(FieldError(field, f"is {shown(value)}, must be an array of tags"))
    elif len(value) > MAX_TAGS:
        errors.append(FieldError(field, f"holds {len(value)} tags, at most {MAX_TAGS} allowed"))
    elif not value and name == "include_tags":
        message = "is empty, so that no arm could take part; leave it out to ask for no tag"
        errors.append(FieldError(field, message))
    elif catalog is not None:
        declared = catalog.settings.tags
        wrong = [i for i, tag in enumerate(value) if tag not in declared]
        if not wrong:
            return catalog.tag_bits(value)
        known = f"must be one of: {', '.join(declared)}" if declared else "but none is declared"
        note_wrong(field, wrong, lambda i: f"is {shown(value[i])}, {known}", errors, "tags")
    return 0


def _ids(given: dict[str, Any], most: int | None, errors: list[FieldError]) -> IdColumn:
    field, value = "candidates.exclude", given.get("exclude")
    ids = read_ids(field, [] if value is None else value, errors)
    if most is not None:
        check_lengths(field, ids, most, errors)
    return ids


def _top_k(envelope: dict[str, Any], most: int | None, errors: list[FieldError]) -> int | None:
    if envelope.get("top_k") is None:
        errors.append(FieldError("top_k", "is missing; a catalogue is never answered whole"))
        return None
    return read_integer(envelope, "top_k", most, errors)


def _refuse_what_lists_have(envelope: dict[str, Any], errors: list[FieldError]) -> None:
    if read_order(envelope, errors) == "input":
        message = "is \"input\", must be 'score': the arms of a catalogue were not sent"
        errors.append(FieldError("order", message))
    if envelope.get("context") is not None:
        value = shown(envelope["context"])
        errors.append(FieldError("context", f"is {value}, must be left out with a catalogue"))
