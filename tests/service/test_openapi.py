"""The OpenAPI document against the service that serves it."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path

import pytest

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"
CHECKS += ",response_headers_conformance,response_schema_conformance,negative_data_rejection"
CHECKS += ",unsupported_method,missing_required_header"


CATALOG = """
[models.m]
version = "1"
prior = { alpha = 1.0, beta = 1.0 }
max_candidates = 50
[models.greedy]
version = "1"
policy = "greedy"
prior = { alpha = 1.0, beta = 1.0 }
[models.wide]
version = "1"
precision = "float64"
prior = { alpha = 1.0, beta = 1.0 }
[catalogs.contents]
model = "m"
[catalogs.tagged]
model = "m"
path = "%s"
tags = ["kids", "sports"]
"""


def run_schemathesis(url: str, examples: int, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/openapi.json"]
    command += ["--checks", CHECKS, "--max-examples", str(examples), "--seed", "1"]
    return subprocess.run(
        [*command, "--generation-deterministic", "--no-color"],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=1500,
        check=False,
    )


EXAMPLES = pytest.mark.parametrize(
    "examples", [10, pytest.param(1000, marks=[pytest.mark.long, pytest.mark.timeout(1600)])]
)


@pytest.fixture
def catalogs(start, store, tmp_path) -> object:
    """A service with catalogues, which are loaded."""
    path = tmp_path / "tagged.csv"
    path.write_text("id,alpha,beta,tags\n" + "".join(f"t{i},1,{i + 1},{i % 4}\n" for i in range(9)))
    models = 'default_model = "wide"\n' + CATALOG % path
    return start(store, models=models)


def assert_no_answer_is_undocumented(url: str, examples: int, folder: Path) -> None:
    result = run_schemathesis(url, examples, folder)
    assert result.returncode == 0, result.stdout + result.stderr
    tested = re.search(r"(\d+) passed", result.stdout) or re.search(r"Tested: (\d+)", result.stdout)
    assert tested, result.stdout
    assert int(tested[1]) >= 1


@EXAMPLES
def test_no_answer_is_undocumented(service, tmp_path, examples: int) -> None:
    assert_no_answer_is_undocumented(service.url, examples, tmp_path)


@EXAMPLES
def test_nor_is_one_of_a_service_with_catalogues(catalogs, tmp_path, examples: int) -> None:
    assert_no_answer_is_undocumented(catalogs.url, examples, tmp_path)


def test_the_example_of_a_catalogue_request_is_answered_as_documented(catalogs) -> None:
    document = catalogs.client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    names = [each["$ref"].rpartition("/")[2] for each in body["schema"]["oneOf"]]
    assert names == ["PredictRequest", "CatalogRequest"]
    form = schemas["CatalogRequest"]
    assert form["properties"]["model"]["enum"] == ["m", "greedy", None]
    assert form["properties"]["candidates"]["properties"]["catalog"]["enum"] == [
        "contents",
        "tagged",
    ]
    answer = catalogs.client.post("/predict", json=form["example"])
    assert answer.status_code == 200, answer.text
    assert (
        answer.json()["catalog"].keys()
        == schemas["Prediction"]["properties"]["catalog"]["properties"].keys()
    )
    page = Page()
    page.feed(catalogs.client.get("/docs").text)
    text = " ".join(page.text)
    assert "candidates.include_tags" in text
    assert "catalog.version" in text


def test_the_document_names_what_the_service_serves(service) -> None:
    document = service.client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    probes = {"/health", "/health/ready", "/health/live"}
    named = [path for path in document["paths"] if path.startswith("/v2")]
    assert set(document["paths"]) == {"/predict", "/metrics", *probes, *named}
    models = [f"/v2/models/{{model}}{version}" for version in ("", "/versions/{version}")]
    per_model = [path + verb for path in models for verb in ("", "/ready", "/infer")]
    assert set(named) == {"/v2", "/v2/health/live", "/v2/health/ready", *per_model}
    request = document["components"]["schemas"]["PredictRequest"]["properties"]
    assert request["model"]["enum"][:-1] == [
        "homepage",
        "greedy",
        "optimist",
        "pairs",
        "tight",
        "wide",
    ]
    statuses = set(document["paths"]["/predict"]["post"]["responses"])
    tensors = document["paths"]["/v2/models/{model}/infer"]["post"]["responses"]
    assert set(tensors) == statuses | {"404"}
    assert statuses == {"200", "400", "405", "413", "415", "422", "429", "500", "503", "504"}


def test_tags_are_documented_where_there_are_some(start, store, catalogs) -> None:
    config = CATALOG.partition("[catalogs.tagged]")[0]
    untagged = start(store, models='default_model = "m"\n' + config)
    named = {}
    for service in (catalogs, untagged):
        document = service.client.get("/openapi.json").json()
        assert document["info"]["version"] == version("bandit-serve")
        form = document["components"]["schemas"]["CatalogRequest"]
        named[service.url] = set(form["properties"]["candidates"]["properties"])
    assert named[untagged.url] == {"catalog", "exclude"}
    assert named[catalogs.url] == {"catalog", "exclude", "include_tags", "exclude_tags"}


class Page(HTMLParser):
    """Collects the text of a page and every address that a browser would load by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.loads: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "a":
            loads = [value or "" for name, value in attrs if name in ("src", "href")]
            self.loads += [value for value in loads if not value.startswith("data:")]


def test_the_documentation_page_needs_nothing_from_elsewhere(service) -> None:
    answer = service.client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    page = Page()
    page.feed(answer.text)
    assert page.loads == []
    text = " ".join(page.text)
    for word in (
        "/predict",
        "candidates",
        "timeout_ms",
        "degraded_candidates",
        "429",
        "/health/live",
        "/metrics",
    ):
        assert word in text
