"""A made-up catalogue, as a file and in stores."""

import csv
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["COMMAND", "Catalogue", "make_catalogue"]

COMMAND = str(Path(sys.executable).with_name("bandit-serve"))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A CSV file of arms with counts, the same arms in an embedded store, and their ids."""

    file: Path
    store: Path
    ids: list[str]

    def load(self, store: str | Path) -> None:
        """Load the arms into a store."""
        subprocess.run([COMMAND, "load", self.file, "--store", str(store)], check=True)

    def export(self, file: Path) -> Path:
        """Write the arms' posteriors to a CSV file, which is returned."""
        subprocess.run([COMMAND, "export", file, "--store", self.store], check=True)
        return file


def make_catalogue(folder: Path, rows: int) -> Catalogue:
    """Generate a catalogue and load it into a store in a folder."""
    file = folder / "catalogue.csv"
    subprocess.run([COMMAND, "sample", file, "--rows", str(rows)], check=True)
    with file.open(newline="") as lines:
        made = Catalogue(file, folder / "store", [row["id"] for row in csv.DictReader(lines)])
    made.load(made.store)
    return made
