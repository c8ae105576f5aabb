"""The log line about values that no model can use."""

import logging

__all__ = ["InvalidLog"]

logger = logging.getLogger("bandit_serve.featurestore")


class InvalidLog:
    """Says once for every entity type that rows are treated as missing."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def note(self, entity_type: str, rows: int) -> None:
        """Note that `rows` rows of a table have a value that is not a finite positive number."""
        if rows and entity_type not in self._said:
            self._said.add(entity_type)
            logger.warning(
                "%r: rows with a value that is not finite and > 0 count as missing", entity_type
            )
