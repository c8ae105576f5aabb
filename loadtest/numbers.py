"""Numbers as people read them."""

__all__ = ["brief", "figure", "grouped", "in_words", "share"]

UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
SIGNIFICANT = 3


def figure(value: float) -> str:
    """Return a measured value to three significant digits, thousands grouped."""
    for digits, least in enumerate((99.95, 9.995, 0.9995)):
        if abs(value) >= least:
            return f"{value:,.{digits}f}"
    return f"{value:.{SIGNIFICANT}g}"


def grouped(value: float) -> str:
    """Return a count, thousands grouped."""
    return f"{value:,.0f}"


def brief(value: float) -> str:
    """Return a value in few characters, for an axis or a headline: 3 M, 1.5 k, 0.2."""
    for size, unit in UNITS:
        if abs(value) >= size:
            return f"{float(f'{value / size:.3g}'):g} {unit}"
    return f"{float(f'{value:.3g}'):g}"


def in_words(value: float) -> str:
    """Return a count, millions in words."""
    return f"{value / 1e6:.3g} million" if value >= 1e6 else grouped(value)


def share(value: float) -> str:
    """Return a share in percent."""
    percent = 100 * value
    return f"{percent:.2g} %" if 0 < percent < 10 else f"{percent:.0f} %"
