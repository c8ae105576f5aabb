"""CSV records: what is parsed, what is given up, and on which lines."""

import io

import pytest

from featurestore.bulk.records import Block, blocks


def parse(text: str, window: int = 65_536) -> Block:
    whole = Block()
    for block in blocks(io.StringIO(text, newline=""), window):
        whole.rows += block.rows
        whole.lines += block.lines
        whole.broken += block.broken
    return whole


@pytest.mark.parametrize("window", [1, 7, 65_536])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_over_line_ends_inside_quotes(window: int, end: str) -> None:
    text = end.join(["id,x", 'a,"one', "two", 'three"', "", "", '"b', '",2', "c,3", ""])
    block = parse(text, window)
    assert block.rows == [
        ["id", "x"],
        ["a", f"one{end}two{end}three"],
        [f"b{end}", "2"],
        ["c", "3"],
    ]
    assert block.lines == [1, 2, 7, 9]
    assert block.broken == []


@pytest.mark.parametrize("window", [1, 7, 65_536])
def test_a_stray_quote_costs_one_row(window: int) -> None:
    block = parse('id,x\n"a,1\nb,2\n"c",3\nd,4\n', window)
    assert block.rows == [["id", "x"], ["b", "2"], ["c", "3"], ["d", "4"]]
    assert block.lines == [1, 3, 4, 5]
    assert [line for line, _ in block.broken] == [2]


@pytest.mark.parametrize("window", [1, 65_536])
def test_a_quote_that_nothing_closes_costs_one_row(window: int) -> None:
    rows = "".join(f"{number},{number}\n" for number in range(1000))
    block = parse(f'id,x\n"a,1\n{rows}', window)
    assert block.broken == [(2, "a quote is never closed")]
    assert block.lines == [1, *range(3, 1003)]


def test_text_after_a_closing_quote_breaks_its_row() -> None:
    block = parse('a,1\n"b"c,2\nd,3\n')
    assert block.lines == [1, 3]
    assert block.broken == [(2, "malformed CSV: ',' expected after '\"'")]


@pytest.mark.parametrize("field", ["x" * 200_000, '"' + "x" * 200_000 + '"'])
def test_a_huge_field_breaks_its_row(field: str) -> None:
    block = parse(f"a,1\n{field},2\nb,3\n")
    assert block.rows == [["a", "1"], ["b", "3"]]
    assert block.broken == [(2, "a field is too long")]


def test_a_last_line_without_an_end_is_a_row() -> None:
    assert parse("a,1\nb,2").rows == [["a", "1"], ["b", "2"]]


def test_broken_rows_in_great_number_are_parsed_in_linear_time() -> None:
    block = parse('"a"b,1\n' * 100_000)
    assert [line for line, _ in block.broken] == list(range(1, 100_001))
