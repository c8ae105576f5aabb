"""Room for text in charts, where no browser breaks lines."""

__all__ = ["shortened", "text_width"]

CHARACTER = 6.8  # pixels, on the average of letters of 12 to 13 pixels


def text_width(text: str) -> float:
    """Return about how many pixels a label takes."""
    return CHARACTER * len(text)


def shortened(text: str, pixels: float) -> str:
    """Return a label that takes no more than so many pixels, cut where it must be."""
    most = max(int(pixels / CHARACTER), 2)
    return text if len(text) <= most else f"{text[: most - 1]}\N{HORIZONTAL ELLIPSIS}"
