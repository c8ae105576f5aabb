"""The worked example of the README answers what the README says."""

import json
import re
import subprocess
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_the_worked_example(start, tmp_path, command: str) -> None:
    catalogue, store = tmp_path / "catalogue.csv", tmp_path / "store"
    subprocess.run([command, "sample", catalogue, "--rows", "100000"], check=True)
    load = [command, "load", catalogue, "--prior", "2,30", "--store", store]
    subprocess.run(load, check=True, timeout=60)
    example = README.read_text().split("## Example")[1].split("## Your own data")[0]
    request = re.search(r"-d '(\{.*?\})'", example, re.DOTALL)
    answer = re.search(r"answers \(on one line\)\n\n(.*?)\n\n", example, re.DOTALL)
    assert request is not None
    assert answer is not None
    service = start(store, models=default_config(command))
    assert service.predict(**json.loads(request[1])) == json.loads(answer[1])


def default_config(command: str) -> str:
    printed = subprocess.run([command, "config"], check=True, capture_output=True, text=True)
    return printed.stdout
