"""Settings of Vertex AI stores, and what is said of wrong ones."""

import subprocess
import sys
from typing import Any

import pytest

from featurestore.vertex import VertexSettings, open_store

GOOD: dict[str, Any] = {
    "project": "my-project",
    "location": "europe-west4",
    "featurestore": "arms",
    "feature_online_store": "arms",
}


@pytest.mark.parametrize(
    ("endpoint", "target"),
    [
        ("", "europe-west4-aiplatform.googleapis.com:443"),
        (
            "1.europe-west4-2.featurestore.vertexai.goog",
            "1.europe-west4-2.featurestore.vertexai.goog:443",
        ),
        ("10.0.0.7:10002", "10.0.0.7:10002"),
        ("[::1]:8085", "[::1]:8085"),
    ],
)
def test_an_endpoint_gets_a_port(endpoint: str, target: str) -> None:
    assert VertexSettings(**GOOD, endpoint=endpoint).target == target


def test_resources_have_their_paths() -> None:
    settings = VertexSettings(**GOOD)
    parent = "projects/my-project/locations/europe-west4"
    assert settings.entity_type_path("x") == f"{parent}/featurestores/arms/entityTypes/x"
    assert settings.feature_view_path("x") == f"{parent}/featureOnlineStores/arms/featureViews/x"


@pytest.mark.parametrize("kind", ["vertex", "vertex-legacy"])
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"project": ""}, "project is ''"),
        ({"location": "a/b"}, "location is 'a/b'"),
        ({"endpoint": "https://x"}, "endpoint is 'https://x', must be host or host:port"),
        ({"plaintext": True}, "plaintext is True, must be False without an endpoint"),
        ({"channels": 0}, "channels is 0, must be from 1 to 64"),
        ({"concurrency": 1001}, "concurrency is 1001, must be from 1 to 1000"),
        ({"stall_s": float("nan")}, "stall_s is nan"),
        ({"check_entity_type": ""}, "check_entity_type is ''"),
    ],
)
def test_a_problem_is_named(kind: str, wrong: dict[str, Any], said: str) -> None:
    (problem,) = VertexSettings(**{**GOOD, **wrong}).problems(kind)
    assert said in problem


def test_all_problems_are_named_together() -> None:
    with pytest.raises(ValueError, match=r"project is .*; location is .*; featurestore is"):
        open_store("vertex-legacy", VertexSettings("", ""))
    assert VertexSettings(**GOOD).problems("vertex") == []
    assert "must be one of vertex, vertex-legacy" in VertexSettings(**GOOD).problems("x")[0]


WITHOUT_CLIENT = """
import sys
sys.modules["google.cloud.aiplatform_v1"] = sys.modules["google.cloud.aiplatform_v1beta1"] = None
from featurestore.vertex import open_store, VertexSettings
assert "grpc" not in sys.modules
settings = VertexSettings("p", "l", "f", "s")
for kind in ("vertex", "vertex-legacy"):
    try:
        open_store(kind, settings)
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_a_missing_client_says_what_to_install() -> None:
    command = [sys.executable, "-c", WITHOUT_CLIENT]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(said) == 2
    for line in said:
        assert line.startswith("StoreUnavailable the store ")
        assert "pip install 'bandit-serve[vertex]'" in line
