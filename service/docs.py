"""A documentation page made from the OpenAPI document, with nothing to load from elsewhere."""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = ["docs_page", "docs_routes"]

METHODS = {"get", "post"}

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --link: #2b6cb0; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 52rem; margin: 0 auto; padding: 1rem; }
h1 { margin-bottom: 0 }
h2 { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem }
code, pre { font: .88em/1.45 ui-monospace, monospace; background: var(--soft); border-radius: 4px }
code { padding: .1em .3em } pre { padding: .8em; white-space: pre-wrap; overflow-wrap: anywhere }
.method { font-weight: 700; color: var(--link) }
.table { overflow-x: auto } table { border-collapse: collapse; width: 100% }
td:first-child { white-space: nowrap }
td:last-child { overflow-wrap: anywhere }
th, td { text-align: left; vertical-align: top; padding: .4em .7em .4em 0 }
tr { border-bottom: 1px solid var(--line) }
"""


def docs_routes(document: Mapping[str, Any]) -> Sequence[Route]:
    """Return the routes of the document for machines and for people."""

    async def openapi(_: Request) -> Response:
        return Response(orjson.dumps(document), media_type="application/json")

    async def docs(request: Request) -> Response:
        url = str(request.base_url).rstrip("/")
        return Response(docs_page(document, url), media_type="text/html")

    return [Route("/openapi.json", openapi), Route("/docs", docs)]


def docs_page(document: Mapping[str, Any], url: str) -> str:
    """Return the page as HTML, for a service at `url`."""
    info = document["info"]
    schemas = document["components"]["schemas"]
    intro = f"{escape(info['summary'])} API version {escape(info['version'])}; for machines:"
    body = [
        f"<h1>{escape(info['title'])}</h1>",
        f'<p>{intro} <a href="/openapi.json">/openapi.json</a>.</p>',
    ]
    for path, item in document["paths"].items():
        names = {each["name"]: each["schema"]["enum"][0] for each in item.get("parameters", ())}
        for method in METHODS & item.keys():
            body += _operation(path, url + path.format_map(names), method, item[method], schemas)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style></head>"
        f"<body>{''.join(body)}</body></html>"
    )


def _operation(
    path: str,
    url: str,
    method: str,
    operation: Mapping[str, Any],
    schemas: Mapping[str, Any],
) -> Iterator[str]:
    yield f'<h2><span class="method">{method.upper()}</span> <code>{escape(path)}</code></h2>'
    yield f"<p><strong>{escape(operation['summary'])}.</strong> "
    yield f"{_prose(operation.get('description', ''))}</p>"
    if "requestBody" in operation:
        for number, schema in enumerate(_schemas(operation["requestBody"], schemas)):
            yield f"<h3>{'Or' if number else 'Request'}</h3>" + _fields(schema)
            example = orjson.dumps(schema["example"]).decode()
            curl = f"curl -H 'content-type: application/json' -d '{example}' {url}"
            yield f"<pre>{escape(curl)}</pre>"
    yield "<h3>Answers</h3>" + _answers(operation["responses"])
    status, answer = next(iter(operation["responses"].items()))
    if "application/json" in answer["content"]:
        for schema in _schemas(answer, schemas):
            yield f"<h3>Answer {status}</h3>" + _fields(schema)


def _answers(responses: Mapping[str, Any]) -> str:
    rows = [
        (
            f"<code>{status}</code>",
            escape(answer["description"]),
            escape(", ".join(answer["content"])),
        )
        for status, answer in responses.items()
    ]
    return _table(("status", "when", "content type"), rows)


def _fields(schema: Mapping[str, Any]) -> str:
    return _table(("field", "type", "meaning"), list(_rows(schema, "")))


def _rows(schema: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, ...]]:
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        yield (
            f"<code>{escape(prefix + name)}</code>",
            escape(_type(field)) + (", required" if name in required else ""),
            _prose(field.get("description", "")),
        )
        yield from _rows(field, f"{prefix}{name}.") if "properties" in field else ()


def _prose(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _type(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return " or ".join("null" if v is None else f'"{v}"' for v in field["enum"])
    kind = field["type"]
    if kind == "array":
        return f"array of {_type(field['items'])}s" if "type" in field["items"] else "array"
    return kind if isinstance(kind, str) else " or ".join(kind)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = "".join(
        f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in row)}</tr>"
        for tag, row in [("th", head), *(("td", row) for row in rows)]
    )
    return f'<div class="table"><table>{lines}</table></div>'


def _schemas(holder: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the forms that content may have."""
    schema: Mapping[str, Any] = next(iter(holder["content"].values()))["schema"]
    return [schemas[each["$ref"].rpartition("/")[2]] for each in schema.get("oneOf", [schema])]
