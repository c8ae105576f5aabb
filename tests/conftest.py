"""Property tests draw the same examples in every ordinary run, and new ones in the long run."""

from hypothesis import settings

settings.register_profile("fixed", derandomize=True)
settings.load_profile("fixed")
