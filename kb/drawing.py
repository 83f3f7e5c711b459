"""Drawings of numbers as SVG, made on the server. They bring no style, no script and no colour of their own.

pygal draws; what it adds for a page of its own is taken away, so that the page's sheet and its Content-Security-Policy
hold, in light and in dark. A table beside each drawing says the same, so screen readers are spared it.
"""

import importlib
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any, Final
from xml.etree import ElementTree as ET

from markupsafe import Markup

WIDTH, HEIGHT = 420, 200
MOST_STRAIGHT: Final = 5
"""So many labels have room beside each other; more stand aslant."""
MOST_MARKS: Final = 5
_SVG: Final = "http://www.w3.org/2000/svg"
_UNWANTED: Final = frozenset(f"{{{_SVG}}}{name}" for name in ("defs", "style", "script", "desc", "title", "a"))


def bars(labels: Sequence[str], series: Sequence[tuple[str, Sequence[int]]]) -> Markup:
    """Draw a bar for each label, of several parts where there are several series; nothing where all are zero."""
    if not any(number for _name, numbers in series for number in numbers):
        return Markup()
    pygal = _pygal()
    chart = pygal.StackedBar(
        pygal.Config(
            js=[],
            css=[],
            width=WIDTH,
            height=HEIGHT,
            margin=8,
            show_legend=False,
            no_prefix=True,
            disable_xml_declaration=True,
            include_x_axis=True,
            x_label_rotation=0 if len(labels) <= MOST_STRAIGHT else 40,
            no_data_text="",
            formatter=lambda value: f"{value:g}",
        )
    )
    chart.x_labels = list(labels)
    chart.y_labels = _marks(
        max((sum(numbers) for numbers in zip(*(values for _name, values in series), strict=True)), default=0)
    )
    for name, values in series:
        chart.add(name, list(values))
    root = ET.fromstring(chart.render(is_unicode=True))  # noqa: S314 -- what was drawn a line above
    _strip(root)
    for name in list(root.attrib):
        del root.attrib[name]
    root.set("class", "chart")
    root.set("viewBox", f"0 0 {WIDTH} {HEIGHT}")
    root.set("aria-hidden", "true")
    ET.register_namespace("", _SVG)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 -- numbers, and labels that the tree has escaped


@cache
def _pygal() -> Any:
    """Return the library: few processes draw, so it is read when one does.

    It leaves behind a finder for its maps that knows only what Python 3.4 asked of finders (`find_module`). We draw no
    maps, and with it every later import of the process warns.
    """
    module = importlib.import_module("pygal")
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]
    return module


def _marks(highest: int) -> list[int]:
    """Return whole numbers for the axis, a handful of them, round ones, up to the highest or a little more."""
    step = 1
    while step * MOST_MARKS < highest:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return list(range(0, max(highest, 1) + step, step))


def _strip(element: ET.Element) -> None:
    for child in list(element):
        if child.tag in _UNWANTED or not isinstance(child.tag, str):
            element.remove(child)
        else:
            _strip(child)
    for name in ("style", "id", "transform-origin"):
        element.attrib.pop(name, None)
