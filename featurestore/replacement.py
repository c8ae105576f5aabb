"""Bulk loads: a table's next generation, filled aside and then switched to."""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from featurestore.environment import Database, Environment, View
from featurestore.errors import StoreBusy, StoreError, StoreFull, StoreUnavailable
from featurestore.journal import record_replaced
from featurestore.rows import check_storable, pack, put
from featurestore.tablelist import SLOT, Table, change, find, listing, slot
from idcolumn import IdColumn

__all__ = ["Replacement", "drop_leftovers", "replacing"]

# Rows held in memory and sorted before they are written, some 250 bytes each. A load in random
# order rewrites most pages of the table once for every so many rows.
BUFFERED_ROWS = 500_000


class Replacement:
    """Writes the next generation of a table; made by `LmdbStore.replacing`.

    Attributes
    ----------
    rows : int
        How many rows were handed in so far.
    """

    def __init__(
        self, environment: Environment, entity_type: str, features: tuple[str, ...]
    ) -> None:
        self.rows = 0
        self._environment = environment
        self._entity_type = entity_type
        self._features = features
        self._buffer: dict[bytes, bytes] = {}
        with environment.writing() as view:
            self._before = find(view, entity_type)
            generation = self._before.generation + 1 if self._before else 0
            self._table = Table(features, generation)
            self._clear(view)

    def write(self, ids: IdColumn | Sequence[str], values: NDArray[np.float64]) -> None:
        """Add rows; of an id given more than once the last row stays.

        Parameters
        ----------
        ids : IdColumn or sequence of str
            n ids of 1 to 511 bytes of UTF-8, in any order.
        values : float64[n, f]
            One column for each feature of the load.

        Raises
        ------
        ValueError
            An id can't be stored, or the shape is wrong.
        StoreError
            The store can't take the rows.
        """
        column = ids if isinstance(ids, IdColumn) else IdColumn.from_list(ids)
        check_storable(column)
        stored = pack(values, len(column), len(self._features))
        self._buffer.update(zip(column.to_bytes(), stored, strict=True))
        self.rows += len(column)
        if len(self._buffer) >= BUFFERED_ROWS:
            self._flush()

    def finish(self) -> None:
        """Switch to the new generation and drop the old one."""
        self._flush()
        with self._environment.writing() as view:
            self._check_untouched(view)
            change(view, self._entity_type, self._table)
            if self._before is not None:
                old = view.database(slot(self._entity_type, self._before.generation))
                view.txn.drop(old, delete=False)
            record_replaced(view, self._entity_type)

    def discard(self) -> None:
        """Drop what was written; when that fails, the next writer does it."""
        with suppress(StoreError), self._environment.writing() as view:
            self._check_untouched(view)
            self._clear(view)

    def _flush(self) -> None:
        with self._environment.writing() as view:
            self._check_untouched(view)
            put(view, self._database(view), self._buffer)
        self._buffer = {}

    def _clear(self, view: View) -> None:
        view.txn.drop(self._database(view), delete=False)

    def _database(self, view: View) -> Database:
        return view.database(slot(self._entity_type, self._table.generation))

    def _check_untouched(self, view: View) -> None:
        # Only the first write to an unknown entity type can change this during a load.
        if find(view, self._entity_type) != self._before:
            raise StoreBusy(
                f"table {self._entity_type!r} was made by a write during its first load"
            )


@contextmanager
def replacing(
    environment: Environment, entity_type: str, features: tuple[str, ...]
) -> Iterator[Replacement]:
    """Load a table; see `LmdbStore.replacing`."""
    with _alone(environment.path):
        load = Replacement(environment, entity_type, features)
        try:
            yield load
            load.finish()
        except BaseException:
            load.discard()
            raise


def drop_leftovers(environment: Environment) -> None:
    """Empty every slot that a load left behind when it was killed, unless a load is at work.

    A full store can't even drop; it still opens, and has the space to give when its map is larger.
    """
    with suppress(StoreBusy, StoreFull), _alone(environment.path):
        if environment.read(lambda view: _leftovers(environment, view)):
            with environment.writing() as view:
                for name in _leftovers(environment, view):
                    view.txn.drop(view.database(name), delete=False)


def _leftovers(environment: Environment, view: View) -> list[bytes]:
    live = {slot(entity_type, table.generation) for entity_type, table in listing(view).items()}
    idle = [name for name in environment.names(view) if name.startswith(SLOT) and name not in live]
    return [name for name in idle if view.txn.stat(view.database(name))["entries"]]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    # The kernel gives the lock back when the process dies, however it dies.
    with ExitStack() as stack:
        try:
            file = stack.enter_context((folder / "load.lock").open("a"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreBusy(f"store {folder}: another bulk load is at work") from None
        except OSError as error:
            raise StoreUnavailable(f"store {folder}: {error}") from error
        yield
