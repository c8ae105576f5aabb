"""The model that a path names."""

from collections.abc import Mapping

from bandit import Model, Models
from service.errors import NotFound

__all__ = ["find_model"]


def find_model(models: Models, names: Mapping[str, str]) -> Model:
    """Return the model of the path's `model`, and `version` where it has one; else NotFound."""
    model = models.by_name.get(names["model"])
    if model is None:
        raise NotFound(f"there is no model {names['model']!r}, but: {', '.join(models.by_name)}")
    version = names.get("version", model.version)
    if version != model.version:
        raise NotFound(f"model {model.name!r} has no version {version!r}, but {model.version!r}")
    return model
