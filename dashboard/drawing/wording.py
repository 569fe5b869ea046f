"""Numbers as people read them: bytes, seconds, shares, large counts."""

from core.uncertainty import Metric


def percent(p: float) -> str:
    """Return a probability."""
    return "< 0.1 %" if p < 0.001 else f"{100 * p:.1f} %"


def share(part: int, whole: int) -> str:
    """Return a part as a percentage, with a decimal below ten."""
    value = 100 * part / whole
    return f"{value:.0f} %" if value >= 10 else f"{value:.1f} %"


def byte_count(count: int) -> str:
    """Return bytes, from ten thousand on in kB."""
    return f"{count:,} bytes" if count < 10_000 else f"{count / 1000:,.0f} kB"


def bytes_sent(count: int, whole: int | None) -> str:
    """Return the bytes of an image as sent, and their share of the original's, if it is known."""
    part = f", {share(count, whole)} of the original" if whole else ""
    return f"{byte_count(count)}{part}"


def seconds(value: float) -> str:
    """Return a time, from a tenth of a millisecond to days."""
    if value < 1:
        return f"{1000 * value:.1f} ms"
    if value < 60:
        return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def count(number: int) -> str:
    """Return a large number in words because it stands in a sentence: 1.23 million."""
    for size, word in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return f"{number:,}"


def measured(value: float, metric: Metric) -> str:
    """Return a value of a metric, with its unit."""
    return f"{value:.2f} {metric.unit}".rstrip()


def unit(metric: Metric) -> str:
    """Return the head of a column of its values."""
    return metric.unit.capitalize() or "Margin"


def energy(joules: float) -> str:
    """Return an energy, in mJ below one joule."""
    return f"{1000 * joules:.3g} mJ" if joules < 0.9995 else f"{joules:.3g} J"


def many_bytes(count: float) -> str:
    """Return bytes that many questions make, in kB, MB or GB: three digits."""
    for size, unit in ((1e9, "GB"), (1e6, "MB")):
        if count >= 0.9995 * size:
            return f"{count / size:.3g} {unit}"
    return f"{count / 1e3:.3g} kB"
