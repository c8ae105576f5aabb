"""Which bodies can be read, by the headers that announce them."""

from service.errors import UnsupportedMediaType

__all__ = ["JSON_MEDIA", "TENSOR_MEDIA", "require_media"]

JSON_MEDIA = b"application/json"
TENSOR_MEDIA = b"application/octet-stream"


def require_media(headers: dict[bytes, bytes], known: tuple[bytes, ...]) -> None:
    """Raise UnsupportedMediaType unless the body is said to be of a known type, or nothing is.

    Text must be in UTF-8, and no body may be compressed.
    """
    content_type = headers.get(b"content-type", known[0])
    if content_type not in known:
        _check_type(content_type, known)
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.lower() != b"identity":
        raise UnsupportedMediaType(
            f"content-encoding is {encoding.decode('latin-1')!r}; send the body as it is"
        )


def _check_type(content_type: bytes, known: tuple[bytes, ...]) -> None:
    media, *parameters = [part.strip().lower() for part in content_type.split(b";")]
    charsets = [p[8:].strip(b'"') for p in parameters if p.startswith(b"charset=")]
    if media not in known or any(c not in (b"utf-8", b"utf8") for c in charsets):
        raise UnsupportedMediaType(
            f"content-type is {content_type.decode('latin-1')!r}, "
            f"must be {b' or '.join(known).decode()} in UTF-8"
        )
