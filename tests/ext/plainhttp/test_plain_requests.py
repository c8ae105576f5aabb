"""Plain requests: read as the parser that reads all others does, or left to it."""

import httptools
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plainhttp import read_request

KEPT = (b"content-type", b"x-kept")
START = b"POST /p HTTP/1.1\r\n"
HOST = b"Host: h\r\n"
LENGTH = b"Content-Length: 4\r\n"
BODY = b"\r\nbody"
PLAIN = START + HOST + LENGTH + BODY


class Parsed:
    """What httptools makes of some bytes."""

    def __init__(self, data: bytes) -> None:
        self.url, self.body, self.headers, self.whole = b"", b"", [], 0
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.strip()))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.whole += 1


def test_a_plain_request_is_read() -> None:
    sent = START + b"x-Kept:\t a b \r\nX-other: 1\r\n" + HOST + LENGTH + BODY
    assert read_request(sent, KEPT) == (b"/p", {b"x-kept": b"a b"}, b"body", 0)
    assert read_request(PLAIN, ()) == (b"/p", {}, b"body", 0)
    for more in (b"Connection: Keep-Alive\r\n", b"x:\r\n", b"x: \r\n", b"x: 1\r\nx: 2\r\n"):
        assert read_request(PLAIN.replace(HOST, HOST + more), KEPT) == (b"/p", {}, b"body", 0)
    empty = PLAIN.replace(b" 4", b" 0").replace(b"body", b"")
    assert read_request(empty, KEPT) == (b"/p", {}, b"", 0)
    for lacking in range(5):
        there = b"body"[: 4 - lacking]
        assert read_request(PLAIN[: len(PLAIN) - lacking], ()) == (b"/p", {}, there, lacking)


@pytest.mark.parametrize(
    "more",
    [
        b"Host: h\r\n",
        b"content-length: 4\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"connection: close\r\n",
        b"connection: keep-alive, upgrade\r\n",
        b"proxy-connection: close\r\n",
        b"Expect: 100-continue\r\n",
        b"upgrade: h2c\r\n",
        b"x-kept: 1\r\nX-Kept: 2\r\n",
        b"x-kept : 1\r\n",
        b" folded: 1\r\n",
        b": 1\r\n",
        b"x\r\n",
        b"x: \xe9\r\n",
        b"x: a\x00b\r\n",
        b"x: a\rb\r\n",
        b"x: 1\n",
        b"x: 1\r\n" * 65,
        b"x: %b\r\n" % (b"1" * (16 << 10)),
    ],
)
def test_what_is_unusual_is_left_to_the_parser(more: bytes) -> None:
    assert read_request(PLAIN.replace(HOST, HOST + more), KEPT) is None


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        PLAIN + b"x",
        PLAIN + PLAIN,
        PLAIN.replace(HOST, b""),
        PLAIN.replace(LENGTH, b""),
        PLAIN.replace(b"POST", b"PUT"),
        PLAIN.replace(b"1.1", b"1.0"),
        PLAIN.replace(b"/p", b"http://h/p"),
        PLAIN.replace(b" /p", b"  /p"),
        PLAIN.replace(b"/p", b"/\xe9"),
        *(
            PLAIN.replace(b" 4", number)
            for number in (b"", b" +4", b" 4,4", b" 0x4", b" 9999999999")
        ),
        *(PLAIN[:size] for size in range(len(PLAIN) - 4)),
    ],
)
def test_what_is_wrong_or_incomplete_is_left_to_the_parser(sent: bytes) -> None:
    assert read_request(sent, KEPT) is None


PIECES = [
    *(b"POST ", b"GET ", b"/p", b"/p?q", b" HTTP/1.1", b" HTTP/1.0", b"body", b"\n"),
    *(b"\r\n", b"\r\n", b"\r\n", b" ", b"\t", b":", b"x", b"\xff", b"\x00"),
    *(b"Host: h\r\n", b"Content-Length: 4\r\n", b"content-length:04\r\n", b"x-kept: 1\r\n"),
    *(b"Connection: keep-alive\r\n", b"connection: close\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Upgrade: x\r\n", b"Keep-Alive: 5\r\n"),
]


@settings(max_examples=500)
@given(st.lists(st.sampled_from(PIECES), max_size=6), st.lists(st.sampled_from(PIECES), max_size=4))
@example([], [])
def test_what_is_read_means_the_same_to_the_parser(head: list[bytes], body: list[bytes]) -> None:
    sent = START + HOST + LENGTH + b"".join(head) + b"\r\n" + (b"".join(body) or b"body")
    found = read_request(sent, KEPT)
    if found is None or found[3]:
        return
    parsed = Parsed(sent)
    assert parsed.whole == 1
    assert not parsed.parser.should_upgrade()
    assert parsed.parser.should_keep_alive()
    assert parsed.parser.get_http_version() == "1.1"
    kept = [(name, value) for name, value in parsed.headers if name in KEPT]
    assert (parsed.url, kept, parsed.body) == (found[0], list(found[1].items()), found[2])
