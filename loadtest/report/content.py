"""What a report of files holds: a section for each thing that was measured."""

from collections.abc import Sequence

from loadtest.report.curves import cpu_section, latency_section, throughput_section
from loadtest.report.document import Report, Section
from loadtest.report.runs import File, groups
from loadtest.report.shares import contenders_section, memory_section, stages_section
from loadtest.report.summary import (
    about_section,
    every_load_section,
    failures_section,
    fleet_section,
    headline,
)

__all__ = ["report_of"]


def report_of(files: Sequence[File], title: str) -> Report:
    """Return the report; a section of which nothing is known is left out."""
    found = groups(files)
    sizings = [(file.results[-1].server, file.sizing) for file in files if file.sizing]
    summary, tiles = headline(files, found)
    sections = (
        fleet_section(files),
        failures_section(files, found),
        contenders_section(found),
        latency_section(found, sizings),
        throughput_section(found),
        cpu_section(found),
        stages_section(found),
        memory_section(found),
        every_load_section(found),
        about_section(files),
    )
    return Report(title, summary, tiles, [each for each in sections if _filled(each)])


def _filled(section: Section) -> bool:
    return bool(section.pictures or (section.table and section.table.rows))
