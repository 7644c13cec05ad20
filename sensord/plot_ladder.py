"""The ladder of a plan as one HTML file that works offline: a bar for each workout, walking and running in order."""

from __future__ import annotations

from pathlib import Path

from sensord.disk import disk_errors
from sensord.errors import InputError, Problem
from sensord.plan.ladder_view import rows_of
from sensord.plan.model import Plan

COLOUR = {"walk": "#b8c4d6", "run": "#0b57c2", "rest": "#ffffff"}

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>sensord: {title}</title></head>
<body>
{body}
</body></html>
"""


def write_ladder(plan: Plan, file: Path) -> None:
    """Writes the picture. InputError: the extra `plot` is not installed; DiskError: it cannot be written."""
    try:
        from plotly.graph_objects import Bar, Figure  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        expected = "the extra `plot` (pip install 'sensord[plot]')"
        raise InputError(Problem("command line", "--plot", "no plotly here", expected)) from None
    figure, named = Figure(), set[str]()
    rows = rows_of(plan)
    names = [f"{index + 1}. {row.stage}" for index, row in enumerate(rows)]
    for name, row in zip(names, rows, strict=True):
        for kind, length_s in row.blocks:
            bar = Bar(
                x=[length_s / 60], y=[name], orientation="h", name=kind, legendgroup=kind, showlegend=kind not in named,
                marker={"color": COLOUR[kind], "line": {"color": "#445", "width": 0.5}}, hovertext=row.words,
            )  # fmt: skip
            named.add(kind)
            figure.add_trace(bar)
    figure.update_layout(
        title=f"{plan.title} (distances drawn at 9 km/h running, 5.4 km/h walking)",
        barmode="stack",
        template="plotly_white",
        height=140 + 34 * len(rows),
        xaxis={"title": "min"},
        yaxis={"autorange": "reversed"},
    )
    with disk_errors(file):
        file.write_text(
            PAGE.format(title=plan.id, body=figure.to_html(include_plotlyjs=True, full_html=False)), "utf-8"
        )
