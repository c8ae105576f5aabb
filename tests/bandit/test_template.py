"""Entity templates."""

import pytest

from bandit import EntityTemplate


@pytest.mark.parametrize(
    ("text", "keys", "affixes"),
    [
        ("{candidate}", (), ("", "")),
        ("{segment}:{candidate}", ("segment",), ("young:", "")),
        ("{{x}}{candidate}{{}}", (), ("{x}", "{}")),
        ("{candidate:}!", (), ("", "!")),
        ("a/{candidate}/{country}/{segment}", ("country", "segment"), ("a/", "/de/young")),
    ],
)
def test_affixes(text: str, keys: tuple[str, ...], affixes: tuple[str, str]) -> None:
    template = EntityTemplate.parse(text)
    assert template.keys == keys
    assert template.affixes({"segment": "young", "country": "de", "unused": "x"}) == affixes


def test_values_with_braces_stay_as_they_are() -> None:
    assert EntityTemplate.parse("{a}:{candidate}").affixes({"a": "{b}"}) == ("{b}:", "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fixed",
        "{segment}",
        "{candidate}{candidate}",
        "{candidate!r}",
        "{candidate:5}",
        "{",
        "{0}",
        "{candidate}{}",
        "{candidate}{a.b}",
        "{candidate}{a[0]}",
        "{{{candidate}}}{candidate}",
    ],
)
def test_wrong_templates(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        EntityTemplate.parse(text)
