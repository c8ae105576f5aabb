"""The Open Inference Protocol on a node under load, degraded or draining; its figures."""

import socket
import time

from prometheus_client.parser import text_string_to_metric_families

from tests.service.tensors import INFER, binary_request, json_request

MODELS = """
default_model = "homepage"
[models.homepage]
version = "1"
prior = { alpha = 1.0, beta = 1.0 }
deadline_ms = 1500
"""


def answers(service) -> dict[tuple[str, str], float]:
    """Return the answers so far by protocol and status, those that there are."""
    page = service.client.get("/metrics").text
    return {
        (sample.labels["protocol"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "bandit_serve_requests_total" and sample.value
    }


def test_limits_and_figures_are_those_of_predict(start, store) -> None:
    service = start(store, models=MODELS, server_max_in_flight=1, server_max_body_bytes=2000)
    post = service.client.post
    assert post(INFER, json=json_request(["c1"])).status_code == 200
    large = post(INFER, json=json_request(["x" * 200] * 20))
    assert (large.status_code, large.json()) == (
        413,
        {"error": "The body is too large: the limit is 2000 bytes"},
    )
    host, _, port = service.url.removeprefix("http://").partition(":")
    body, headers = binary_request(["c1"])
    with socket.create_connection((host, int(port)), timeout=10) as slow:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {INFER} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n{lines}\r\n"
        slow.sendall(head.encode() + body[:10])
        deadline = time.monotonic() + 1.4
        while service.client.get("/health").json()["worker"]["in_flight"] < 1:
            assert time.monotonic() < deadline
        shed = post(INFER, json=json_request(["c1"]))
        assert (shed.status_code, shed.headers["retry-after"]) == (429, "1")
        assert "1 requests are in flight already" in shed.json()["error"]
        assert slow.recv(65536).startswith(b"HTTP/1.1 504")
    assert service.client.get(INFER).status_code == 405
    assert post("/v2/models/nobody/infer", json=json_request(["c1"])).status_code == 404
    service.predict(["c1"])
    counted = dict.fromkeys(("200", "404", "405", "413", "429", "504"), 1.0)
    expected = {("oip", status): times for status, times in counted.items()}
    assert answers(service) == expected | {("predict", "200"): 1.0}
    (line,) = [line for line in service.log_lines() if line.get("problem") == "Overloaded"]
    assert line["path"] == INFER
