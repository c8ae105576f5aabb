"""How the work is cut into blocks, and where a block's arrays lie in its shared memory."""

from dataclasses import dataclass

from bandit.cuda.formats import Format

__all__ = ["Layout"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes of a block; `tile` and `room` are powers of two.

    Attributes
    ----------
    threads : int
        Threads of a block.
    tile : int
        Arms that a block draws at a time, several for each thread: undecided ones are then many
        enough to be worked on side by side. Below 65536.
    most : int
        The greatest k whose candidates fit into a block; `room` is for them and one more tile.
    """

    threads: int = 256
    tile: int = 1024
    most: int = 1024

    @property
    def room(self) -> int:
        """Candidates that a block has room for."""
        return 1 << (self.most + self.tile - 1).bit_length()

    def shared_bytes(self, form: Format, selects: bool) -> int:
        """Return the bytes of shared memory of a block."""
        size = form.bits(0).itemsize
        drawn = self.tile * (2 * size + 3 * 2)
        return drawn + (self.room * (size + 4) if selects else 0) + 4 * 4
