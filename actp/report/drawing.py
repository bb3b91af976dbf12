"""Draws charts as SVG whose colours are the page's, so one drawing serves light and dark."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from actp.report.chart import Chart, Spec

__all__ = ["draw"]

_LONG_DECIMAL: Final = re.compile(r"\d+\.\d{2,}")
VEGA_LITE: Final = "6.4"
SVG: Final = "http://www.w3.org/2000/svg"
FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

# Labels may be wider in the reader's font than in the one they were measured in.
_PADDING: Final = {"left": 24, "right": 10, "top": 4, "bottom": 4}
_AXIS: Final = {
    "domain": False,
    "grid": False,
    "gridColor": "var(--line)",
    "labelColor": "var(--soft)",
    "labelFontSize": 12,
    "labelLimit": 190,
    "labelPadding": 8,
    "ticks": False,
    "titleColor": "var(--soft)",
    "titleFontSize": 12,
    "titleFontWeight": "normal",
    "titlePadding": 10,
}
_CONFIG: Final = {
    "background": None,
    "font": FONT,
    "axis": _AXIS,
    "axisXQuantitative": {"grid": True, "tickCount": 5, "tickMinStep": 0},
    "bar": {"stroke": "var(--card)", "strokeWidth": 1},
    "legend": {
        "columnPadding": 16,
        "direction": "horizontal",
        "labelColor": "var(--soft)",
        "labelFontSize": 12,
        "offset": 14,
        "orient": "top",
        "symbolStrokeWidth": 0,
        "symbolType": "circle",
        "titleColor": "var(--soft)",
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titleOrient": "left",
        "titlePadding": 12,
    },
    "text": {"color": "var(--ink)", "fontSize": 12},
    "view": {"stroke": None},
}


def draw(chart: Chart, spec: Spec) -> str:
    """Return a chart as SVG; each mark tells its figures to a mouse that rests on it."""
    # Imported late: it brings a JavaScript engine of 80 MB, which no other command needs.
    import vl_convert  # noqa: PLC0415

    drawn = vl_convert.vegalite_to_svg(
        {**spec, "padding": _PADDING, "config": _CONFIG},
        vl_version=VEGA_LITE,
        allowed_base_urls=[],
    )
    ET.register_namespace("", SVG)
    root = ET.fromstring(drawn)  # noqa: S314  # made by us a line above
    for element in list(root.iter()):
        _simplify(element)
    root.set("role", "img")
    root.set("aria-label", f"{chart.title}. {chart.caption}")
    return ET.tostring(root, encoding="unicode")


def _simplify(element: ET.Element) -> None:
    """Turn the label of a mark into its title, and leave out what says no more than the table."""
    told = element.get("aria-label")
    if told and element.get("role") == "graphics-symbol" and element.tag != f"{{{SVG}}}g":
        element.set("class", "mark")
        ET.SubElement(element, f"{{{SVG}}}title").text = told
    for name in [name for name in element.attrib if name == "role" or name.startswith("aria-")]:
        del element.attrib[name]
    for name in ("d", "transform"):
        if path := element.get(name):
            element.set(name, _LONG_DECIMAL.sub(lambda found: f"{float(found[0]):.1f}", path))
