"""Commands on the data of a store."""

from service.data.copy_command import copy
from service.data.export_command import export
from service.data.load_command import load
from service.data.sample_command import sample
from service.data.stats_command import stats

__all__ = ["copy", "export", "load", "sample", "stats"]
