"""The report: what it says, that it says it safely, and that it fits any screen."""

import json
import re
import shutil
import subprocess
from argparse import ArgumentParser
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from loadtest.report import add_arguments, run
from loadtest.report.scale import linear, logarithmic
from loadtest.result import Result, Sample, Workload, write_results
from loadtest.sizing.fleet import Fleet
from loadtest.sizing.knee import find_knee
from loadtest.sizing.limit import Room
from loadtest.sizing.objective import Effort, Objective, Step
from loadtest.sizing.sizing import conclude, knee_of, sizing_data

NASTY = '<script>alert("x")</script> & | `sh`'
ABOUT = {
    "machine": {"processor": "EPYC", "cores": 2.0, "memory_bytes": 8 << 30},
    "versions": {"python": "3.11.2"},
    "command": f"python -m loadtest load --json '{NASTY}'",
    "time": "2026-01-01T00:00:00Z",
}
QUANTILES = {"p50": 0.5, "p90": 0.8, "p95": 1.0, "p99": 1.0, "p99.9": 3.0, "max": 9.0}
VOID = {"meta"}
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def load(server: str, rate: float | None, capacity: float, **fields: object) -> Result:
    """A load of 4 seconds on a server that queues above its capacity."""
    sent = rate or capacity
    slow = 1 + 500 * max(0.0, sent / capacity - 1) + sent / capacity
    result = Result(
        server=server,
        driver="python" if rate else "wrk",
        workload=Workload(),
        planned_rate=rate,
        seconds=4.0,
        sent=int(4 * sent),
        answered=int(4 * min(sent, capacity)),
        errors={},
        latency_ms={name: slow * ms for name, ms in QUANTILES.items()},
        cpu_seconds=4 * min(sent, capacity) / capacity,
    )
    return replace(result, **fields)  # type: ignore[arg-type]


def sized(path: Path, verified_at: float = 0.0) -> None:
    """Write a sizing; `verified_at` is another rate of the last run than the fleet's."""
    objective = Objective()

    def step(rate: float) -> Step:
        result = load("bandit-serve", rate, 4_321.0, stages_ms={"decode": 0.0123, "score": 0.1})
        effort = Effort(0.5)
        return Step(result, effort, objective.judge(result, effort))

    searches = [find_knee(step, 500.0), find_knee(step, 600.0)]
    fleet = Fleet(7_500, knee_of(searches).value, node_price=0.25)
    last = step(verified_at or fleet.node_rps)
    sizing, results = conclude(searches, last, objective, fleet, Room(2, shared=True))
    write_results(path, results, {**ABOUT, **sizing_data(sizing)})


def compared(path: Path) -> None:
    rounds = [
        replace(load(name, None, rate + 10 * i), round=i)
        for i in range(3)
        for name, rate in (("bandit-serve", 8_000.0), (NASTY, 1_500.0), ("a" * 80, 700.0))
    ]
    lost = load("fallen", None, 100.0, answered=0, errors={"EOFError": 400}, latency_ms={})
    write_results(path, [*rounds, lost], {**ABOUT, "absent": ["fast <C++>"]})


def soaked(path: Path) -> None:
    samples = tuple(Sample(float(i), 0.5, 300_000_000 + 1_000 * i) for i in range(60))
    write_results(path, [load("bandit-serve", 900.0, 4_321.0, samples=samples)], ABOUT)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """HTML and Markdown of all kinds of results."""
    folder = tmp_path_factory.mktemp("report")
    for make in (sized, compared, soaked):
        make(folder / f"{make.__name__}.json")
    return rendered(folder, *sorted(folder.glob("*.json")))


def rendered(folder: Path, *files: Path) -> tuple[str, str]:
    parser = ArgumentParser()
    add_arguments(parser)
    page, text = folder / "made" / "report.html", folder / "made" / "report.md"
    run(parser.parse_args([*map(str, files), "--html", str(page), "--markdown", str(text)]))
    return page.read_text(), text.read_text()


class Nesting(HTMLParser):
    """Fails on an element that is closed in the wrong place, and gathers what there is."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_needs_nothing_else(report: tuple[str, str]) -> None:
    page, parser = report[0], Nesting()
    parser.feed(page)
    assert parser.open == []
    tags = {tag for tag, _ in parser.seen}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    names = {name for _, attributes in parser.seen for name in attributes}
    assert not names & {"src", "href", "srcset", "style", "action"}
    assert not any(name.startswith("on") for name in names)
    assert not re.search(r"(?:https?:)?//\w|@import|url\(", page)
    charts = [attributes for tag, attributes in parser.seen if tag == "svg"]
    assert len(charts) == 2 * 8  # wide and narrow: 3 comparisons, 3 curves, stages, memory
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)


def test_what_comes_from_files_is_escaped(report: tuple[str, str]) -> None:
    page, text = report
    assert NASTY not in page
    assert escape(NASTY, quote=False) in page
    assert "fast &lt;C++&gt;" in page
    assert "<script" not in text
    rows = [line for line in text.splitlines() if line.startswith("|") and "script" in line]
    assert rows
    for row in rows:
        assert len(re.findall(r"(?<!\\)\|", row)) in (4, 7, 13)


def test_the_figures_are_there(report: tuple[str, str]) -> None:
    for document in report:
        for part in (
            "4 nodes of bandit-serve serve 3 million predictions a second",
            "$730",  # 4 nodes of 0.25 an hour for 730 hours
            "p99 at most 100 ms",
            "failed: 400 \N{MULTIPLICATION SIGN} EOFError",
            "8,010 (8,000..8,020)",
            "125 (125..125)",
            "12.3",
            "8.0 GiB",
            "3.11.2",
            "2026-01-01T00:00:00Z",
        ):
            assert part in document


def test_a_fleet_that_was_not_verified_is_no_headline(tmp_path: Path) -> None:
    sized(tmp_path / "size.json", verified_at=9_000)
    for document in rendered(tmp_path, tmp_path / "size.json"):
        assert "Not verified: 4 nodes would serve 3 million" in document
        assert "failed by latency" in document
        assert "nodes of bandit-serve serve" not in document


def test_a_chart_without_data_is_left_out(tmp_path: Path) -> None:
    write_results(tmp_path / "one.json", [load("bandit-serve", 900.0, 4_000.0)], ABOUT)
    page, text = rendered(tmp_path, tmp_path / "one.json")
    assert "<svg" not in page
    for title in ("The fleet", "Contenders", "Latency against", "Memory", "Failed"):
        assert title not in page + text
    assert "bandit-serve answered up to 900 requests a second" in text


def test_one_server_alone_is_no_comparison(tmp_path: Path) -> None:
    alone = [replace(load("bandit-serve", None, 8_000.0), round=i) for i in range(2)]
    write_results(tmp_path / "alone.json", alone, ABOUT)
    text = rendered(tmp_path, tmp_path / "alone.json")[1]
    assert "Contenders" not in text
    assert "as many as go" in text


def test_nothing_but_failures_makes_a_report_too(tmp_path: Path) -> None:
    lost = load("fallen", None, 1.0, sent=0, answered=0, latency_ms={})
    write_results(tmp_path / "lost.json", [lost], ABOUT)
    assert "nothing was answered" in rendered(tmp_path, tmp_path / "lost.json")[1]


def test_unknown_cpu_is_no_zero(tmp_path: Path) -> None:
    far = [load("far", rate, 900.0, cpu_seconds=float("nan")) for rate in (100.0, 200.0)]
    write_results(tmp_path / "far.json", far, ABOUT)
    page, text = rendered(tmp_path, tmp_path / "far.json")
    assert "CPU against rate" not in page
    assert "nan" not in text.lower()


@pytest.mark.parametrize("content", ['{"version": 1}', "[]", "no JSON", '{"version": 9}'])
def test_another_file_is_refused_by_name(tmp_path: Path, content: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"other\.json holds no results"):
        rendered(tmp_path, file)


def test_axes_hold_all_values_between_round_ticks() -> None:
    assert linear([3, 4_700], 0, 100).ticks == (0, 1_000, 2_000, 3_000, 4_000, 5_000)
    assert linear([], 0, 100).high == 1
    axis = logarithmic([0.7, 31.0], 200, 0)
    assert (axis.low, axis.high) == (0.5, 50)
    assert axis.ticks == pytest.approx([0.5, 1, 2, 5, 10, 20, 50])
    assert (axis(0.5), axis(50)) == (200, 0)
    assert axis(5) == pytest.approx(100)


PROBE = """<!doctype html><body><script>
const page = %s, widths = [390, 1280], found = [];
for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.style = `width:${width}px;height:900px;border:0`;
  frame.onload = () => {
    const root = frame.contentDocument;
    root.querySelectorAll("details").forEach(each => each.open = true);
    const shown = [...root.querySelectorAll("body *")].map(each => each.getBoundingClientRect());
    const edge = Math.max(...shown.map(box => box.width ? box.right : 0));
    found.push(`${width}:${root.documentElement.scrollWidth}:${Math.ceil(edge)}`);
    if (found.length == widths.length) document.body.textContent = "FOUND " + found.join(" ");
  };
  frame.srcdoc = page;
  document.body.append(frame);
}
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="not installed: chromium")
def test_nothing_reaches_beyond_the_edge_of_a_screen(
    report: tuple[str, str], tmp_path: Path
) -> None:
    probe = tmp_path / "probe.html"
    probe.write_text(PROBE % json.dumps(report[0]).replace("</", "<\\/"))
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,2000"]
    done = subprocess.run(
        [*command, probe.as_uri()], capture_output=True, text=True, timeout=60, check=True
    )
    found = re.search(r"FOUND ([\d: ]+)", done.stdout)
    assert found
    for each in found[1].split():
        width, scrolled, edge = map(int, each.split(":"))
        assert scrolled <= width
        assert edge <= width
