"""Elements of a page, whose text and attributes are escaped wherever they come from."""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

__all__ = ["Element", "Node", "serialised", "tag"]

Node = Element | str | None


def tag(name: str, /, *children: Node, **attributes: str | float | None) -> Element:
    """Return an element; what is None is left out.

    Names of attributes lose a trailing underscore, and have a hyphen for every other one.
    Numbers are rounded to a tenth, which is less than a pixel of any screen.
    """
    element = Element(name)
    for key, value in attributes.items():
        if value is not None:
            element.set(key.rstrip("_").replace("_", "-"), _text(value))
    for child in children:
        _append(element, child)
    return element


def serialised(element: Element) -> str:
    """Return HTML."""
    return ElementTree.tostring(element, encoding="unicode", method="html")


def _append(element: Element, child: Node) -> None:
    if isinstance(child, Element):
        element.append(child)
    elif child and len(element):
        element[-1].tail = (element[-1].tail or "") + child
    elif child:
        element.text = (element.text or "") + child


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{round(value, 1):g}"
