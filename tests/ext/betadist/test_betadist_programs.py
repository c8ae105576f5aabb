"""The C++ programs of `make fuzz` and `make test-sanitize` build, and pass a short run."""

import re
import subprocess

import pytest

from betadist import _core
from tests.ext.betadist.programs import make


def run(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_shapes_of_any_bits_are_drawn_from_or_refused() -> None:
    lines = run(str(make("build/fuzz")), "60000").splitlines()
    counted = [
        re.fullmatch(r"(\w+): (\d+) calls, (\d+) drawn, the others refused", x) for x in lines
    ]
    assert [found and found[1] for found in counted] == _core.kernels()
    for found in counted:
        assert found
        assert int(found[2]) == 60000 // len(lines)
        assert 0.3 < int(found[3]) / int(found[2]) < 0.9


@pytest.mark.timeout(300)
def test_callers_at_once_draw_what_one_does() -> None:
    assert run(str(make("build/hammer"))) == "4 callers drew what one does\n"
