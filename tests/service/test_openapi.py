"""The OpenAPI document against the service that serves it."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"
CHECKS += ",response_headers_conformance,response_schema_conformance,negative_data_rejection"
CHECKS += ",unsupported_method,missing_required_header"


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


@pytest.mark.parametrize(
    "examples", [20, pytest.param(1000, marks=[pytest.mark.long, pytest.mark.timeout(1600)])]
)
def test_no_answer_is_undocumented(service, tmp_path, examples: int) -> None:
    result = run_schemathesis(service.url, examples, tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    tested = re.search(r"(\d+) passed", result.stdout) or re.search(r"Tested: (\d+)", result.stdout)
    assert tested, result.stdout
    assert int(tested[1]) >= 1


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
