"""Charts drawn on the server: plain SVG without a script or a style of its own, so that the strict policy may stay."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, log10
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

import pygal
from django.utils.safestring import SafeString, mark_safe

# Importing pygal adds an importer for its plugins in a form that Python gave up; each later import would warn of it.
sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)]

# Text must not shrink with the screen, so that each chart is drawn for several widths; CSS shows one.
SIZES = {"full": (1180, 240), "wide": (560, 210), "narrow": (350, 200)}
LABELS = {"full": 16, "wide": 8, "narrow": 4}
TICKS = 4
FOREIGN = {"style", "script", "defs", "desc", "title"}
UNUSED = {"background", "titles", "text-overlay", "tooltip-overlay"}
PLAIN: dict[str, Any] = {
    "css": [],
    "js": [],
    "show_legend": False,
    "print_values": False,
    "show_minor_x_labels": False,
    "truncate_label": -1,
    "allow_interruptions": True,
    "margin": 4,
    "margin_right": 18,
    "spacing": 8,
    "no_data_text": "",
}


@dataclass(frozen=True, slots=True)
class Point:
    """One value, what is said of it, and the rows behind it."""

    value: float | None
    says: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """`tone` names a colour of the style sheet."""

    name: str
    tone: str
    points: tuple[Point, ...]


def bars(labels: Sequence[str], series: Sequence[Series], unit: str, sizes: Iterable[str]) -> dict[str, SafeString]:
    """One column a label, the series on top of each other."""
    columns = zip(*(one.points for one in series), strict=True)
    heights = [sum(point.value or 0 for point in column) for column in columns]
    highest = max(heights, default=0)
    return {size: drawn(pygal.StackedBar, size, labels, series, highest, unit) for size in sizes}


def lines(labels: Sequence[str], series: Sequence[Series], unit: str, sizes: Iterable[str]) -> dict[str, SafeString]:
    highest = max((point.value or 0 for one in series for point in one.points), default=0)
    return {size: drawn(pygal.Line, size, labels, series, highest, unit) for size in sizes}


def drawn(
    kind: Any, size: str, labels: Sequence[str], series: Sequence[Series], highest: float, unit: str
) -> SafeString:
    width, height = SIZES[size]
    every = max(1, ceil(len(labels) / LABELS[size]))
    ticks = ticks_to(highest)
    chart = kind(
        width=width,
        height=height,
        x_labels_major_every=every,
        dots_size=2.5 if len(labels) <= 60 else 1,
        rounded_bars=1 if len(labels) <= 31 else 0,
        range=(0, ticks[-1]),
        value_formatter=lambda value: f"{value:,g}{unit}",
        **PLAIN,
    )
    chart.x_labels = list(labels)
    chart.y_labels = ticks
    for one in series:
        chart.add(one.name, [dotted(point) for point in one.points])
    return finished(chart.render_tree(), [one.tone for one in series])


def dotted(point: Point) -> dict[str, Any] | None:
    """A gap where nothing was measured."""
    if point.value is None:
        return None
    link = {"xlink": {"href": point.url, "target": "_self"}} if point.url else {}
    return {"value": point.value, "label": point.says, **link}


def ticks_to(highest: float) -> list[float]:
    """A few round numbers from nothing to the highest or a little over it."""
    step = round_up(max(highest, 1) / TICKS)
    return [step * number for number in range(ceil(max(highest, 1) / step) + 1)]


def round_up(value: float) -> float:
    if value <= 1:
        return 1
    size: float = 10 ** int(log10(value))
    return next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= value)


def finished(tree: Element, tones: Sequence[str]) -> SafeString:
    """Without what a page forbids, with what each point says where a browser shows it on pointing."""
    tidy(tree)
    del tree.attrib["id"]
    tree.set("focusable", "false")
    for number, tone in enumerate(tones):
        for group in tree.iter("g"):
            if f"serie-{number}" in group.get("class", "").split():
                group.set("class", f"series tone-{tone}")
    # Numbers and dates of ours, and serialized with every special character escaped.
    return mark_safe(tostring(tree, encoding="unicode"))  # noqa: S308


def tidy(node: Element) -> None:
    says = next((child.text for child in node if child.tag == "desc" and child.get("class") == "label"), None)
    for child in list(node):
        if is_used(child):
            tidy(child)
        else:
            node.remove(child)
    for shape in node:
        if says and shape.tag in {"rect", "circle"}:
            SubElement(shape, "title").text = says
    if node.tag == "a":
        # The table below has the same links, one after the other, for whoever comes by keyboard.
        node.set("tabindex", "-1")


def is_used(node: Element) -> bool:
    is_element = isinstance(node.tag, str) and node.tag not in FOREIGN
    return is_element and UNUSED.isdisjoint(node.get("class", "").split())
