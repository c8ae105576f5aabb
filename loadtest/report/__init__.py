"""Put results before people: one page of HTML, and Markdown.

    python -m loadtest report build/load/*.json --html build/load/report.html

The files are those that the other commands write with --json.
"""

import argparse
from pathlib import Path

from loadtest.report.content import report_of
from loadtest.report.markdown import render_markdown
from loadtest.report.page import render_page
from loadtest.report.runs import read_file

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("files", type=Path, nargs="+", help="results of the other commands")
    parser.add_argument("--html", type=Path, help="write one page that needs nothing else")
    parser.add_argument("--markdown", type=Path, help="write Markdown; else it is printed")
    parser.add_argument("--title", default="bandit-serve under load")


def run(options: argparse.Namespace) -> None:
    """Write the report of the files.

    Raises
    ------
    OSError, ValueError
        A file can't be read or holds no results, or a report can't be written.
    """
    report = report_of([read_file(path) for path in options.files], options.title)
    for path, render in ((options.html, render_page), (options.markdown, render_markdown)):
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(render(report))
            print(f"{path} written")
    if not (options.html or options.markdown):
        print(render_markdown(report), end="")
