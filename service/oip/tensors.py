"""The names and types of the tensors that go in and out."""

from typing import Any

from bandit import Model

__all__ = ["BYTES", "CANDIDATES", "FLOATS", "IDS", "OUTPUTS", "SCORES", "described", "score_type"]

IDS = "ids"
SCORES = "scores"
CANDIDATES = "candidates"
OUTPUTS = (SCORES, CANDIDATES)

BYTES = "BYTES"
FLOATS = {"float32": "FP32", "float64": "FP64"}


def score_type(model: Model) -> str:
    """Return the datatype of the model's scores."""
    return FLOATS[model.precision]


def described(model: Model) -> dict[str, Any]:
    """Return the metadata of a model."""
    return {
        "name": model.name,
        "versions": [model.version],
        "platform": "bandit-serve",
        "inputs": [_tensor(IDS, BYTES)],
        "outputs": [_tensor(SCORES, score_type(model)), _tensor(CANDIDATES, BYTES)],
    }


def _tensor(name: str, datatype: str) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [-1]}
