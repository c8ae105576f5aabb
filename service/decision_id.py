"""Time-ordered unique ids for decisions that come without one."""

from idcolumn import uuid7 as new_decision_id

__all__ = ["new_decision_id"]
