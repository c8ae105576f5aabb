"""One feature server for all tests of the adapter, which restart it when they have ended it."""

import math
from collections.abc import AsyncIterator, Iterator

import pytest

from featurestore.feast import FeastSettings, FeastStore
from tests.featurestore.feast.servers import FeastServer, View, serving

FEATURES = ("alpha", "beta", "clicks")
VIEWS = {
    "article": View(
        FEATURES, {f"id{i}": (1.0 + i, 2.0 + i, 3.0 + i) for i in range(2_000)}, "article_id"
    ),
    "spoilt": View(
        FEATURES,
        {
            "nan": (math.nan, 2.0, 3.0),
            "infinite": (1.0, math.inf, 3.0),
            "zero": (1.0, 2.0, 0.0),
            "negative": (-1.0, 2.0, 3.0),
            "good": (1.0, 2.0, 3.0),
        },
        "key_of_its_own",
    ),
    "numbered": View(
        FEATURES,
        {"7": (1.0, 2.0, 3.0), "-3": (4.0, 5.0, 6.0), str(2**63 - 1): (7.0, 8.0, 9.0)},
        "numbered_id",
        integer=True,
    ),
}


@pytest.fixture(scope="session")
def feast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeastServer]:
    with serving(tmp_path_factory.mktemp("feast"), VIEWS) as server:
        yield server


@pytest.fixture
async def store(feast: FeastServer) -> AsyncIterator[FeastStore]:
    keys = {"spoilt": "key_of_its_own"}
    made = FeastStore(FeastSettings(feast.url, keys, integer_keys=("numbered",)))
    yield made
    await made.close()
