"""How the id of a feature-store entity is made from a candidate and the request's context."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from string import Formatter

__all__ = ["EntityTemplate"]


@dataclass(frozen=True, slots=True)
class EntityTemplate:
    """A template such as ``{segment}:{candidate}``, split at the candidate."""

    text: str
    prefix: str
    suffix: str
    keys: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "EntityTemplate":
        """Split a template; ValueError says what is wrong with it."""
        pieces = list(Formatter().parse(text))
        if any(spec or conversion for _, _, spec, conversion in pieces):
            raise ValueError(f"{text!r} has a format specification; only plain {{names}} are known")
        names = [name for _, name, _, _ in pieces if name is not None]
        if names.count("candidate") != 1:
            raise ValueError(f"{text!r} must contain {{candidate}} exactly once")
        if not all(name.isidentifier() for name in names):
            raise ValueError(f"{text!r} has a field that isn't a plain name")
        at = next(i for i, (_, name, _, _) in enumerate(pieces) if name == "candidate")
        prefix = _text(pieces[:at]) + _escaped(pieces[at][0])
        keys = tuple(name for name in names if name != "candidate")
        return cls(text, prefix, _text(pieces[at + 1 :]), keys)

    def affixes(self, context: Mapping[str, str]) -> tuple[str, str]:
        """Return what stands before and after the candidate; `context` must hold all `keys`."""
        return self.prefix.format_map(context), self.suffix.format_map(context)


def _text(pieces: Iterable[tuple[str, str | None, str | None, str | None]]) -> str:
    return "".join(
        _escaped(literal) + ("" if name is None else f"{{{name}}}")
        for literal, name, _, _ in pieces
    )


def _escaped(literal: str) -> str:
    return literal.replace("{", "{{").replace("}", "}}")
