"""A value of the catalogue as people read it, with its unit; a dash for what is not known."""

from __future__ import annotations

import math

from leptontui.model.catalogue import Kind, Metric
from leptontui.render.numbers import NULL, metric, percent, three, whole
from leptontui.render.quantity import duration_text, rate_text, size_text
from leptontui.view.host_rows import throttle_words


def metric_text(item: Metric, value: object) -> str:
    """A value with its unit: "71.2 GiB", "98.1 %", "1.9 GiB/s", "yes", "HW thermal", "12".

    Args:
        item: its entry in the catalogue.
        value: of a counter its rate; None if it is not known. A text must be fit for the screen.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value or NULL
    if not isinstance(value, int | float) or not math.isfinite(value):
        return NULL
    if item.name == "throttle_reasons":
        return ", ".join(throttle_words(int(value))) or "nothing"
    return _number_text(item, value)


def _number_text(item: Metric, value: float) -> str:
    match item.unit:
        case "B":
            return size_text(value)
        case "B/s":
            return rate_text(value)
        case "s":
            return duration_text(value)
        case "%":
            return f"{percent(value)} %"
        case "J":
            text = metric(value)
            text = f"{text[:-1]} {text[-1]}J" if text[-1].isalpha() else f"{text} J"
        case unit:
            is_whole = item.kind is Kind.TOTAL or (item.is_integer and item.kind is not Kind.COUNTER)
            text = f"{whole(value) if is_whole else three(value)} {unit}".rstrip()
    return text


def unit_words(item: Metric) -> str:
    """The unit for people: "%", "B/s", "yes or no"; "" where there is none."""
    if item.kind is Kind.FLAG:
        return "yes or no"
    return "text" if item.kind is Kind.TEXT else item.unit


def source_words(item: Metric) -> str:
    """Where and how often it is read: "NVML, every 10 s"."""
    if not item.source:
        return ""
    how_often = f", every {whole(item.cadence_s)} s" if item.cadence_s else ""
    return f"{item.source}{how_often}"
