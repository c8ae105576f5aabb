"""The mutations fit the sources as they stand; `make test-mutations` runs the tests on each."""

from pathlib import Path

import pytest

from tests.ext.betadist.mutants import SOURCES, mutate, portable
from tests.ext.betadist.mutations import MUTATIONS, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_changes_one_place_that_the_portable_kernel_uses(
    mutation: Mutation, tmp_path: Path
) -> None:
    source = SOURCES / mutation.file
    (tmp_path / mutation.file).write_text(source.read_text())
    mutate(mutation, tmp_path)
    assert (tmp_path / mutation.file).read_text() != source.read_text()
    assert portable(SOURCES, mutation.file)


def test_a_mutation_that_fits_twice_or_nowhere_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.hpp").write_text("one two two")
    for before, times in (("two", 2), ("three", 0)):
        with pytest.raises(ValueError, match=f"'{before}' occurs {times} times in a.hpp"):
            mutate(Mutation("", "a.hpp", before, "four"), tmp_path)


def test_names_are_different() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)
