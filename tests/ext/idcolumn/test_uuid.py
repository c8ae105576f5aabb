"""uuid7: RFC 9562, in order of time, never the same."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from idcolumn import uuid7


def test_it_is_a_uuid_of_version_7_and_of_now() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(text := uuid7())
    assert str(made) == text
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_they_are_ordered_to_a_quarter_of_a_microsecond() -> None:
    made = []
    for _ in range(100):
        made.append(uuid7())
        time.sleep(1e-6)
    assert made == sorted(made)


def test_they_differ_in_all_threads() -> None:
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: uuid7(), range(20_000)))
    assert len({text[19:] for text in made}) == len(made)
