"""A recording with the contacts that were found in it, as one HTML file that works offline (extra `plot`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensord.analysis import Analysis
from sensord.errors import InputError, Problem
from sensord.files.imu_recording import ImuRecording
from sensord.model import G_MPS2, NS, FloatArray, Side, Stride
from sensord.plot_strides import small_multiples

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

FOOT_COLOUR = {Side.LEFT: "#0b57c2", Side.RIGHT: "#9b1f7e"}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>sensord: contacts found</title></head>
<body>
{body}
</body></html>
"""
ROWS_AT_MOST = 200_000
"""Design choice: a browser draws this many points a line without effort; longer recordings are thinned for the eye."""


def plot_html(result: Analysis) -> str:
    """Signals of each foot with initial and terminal contacts, contact time per stride, and strides one by one.

    InputError when the extra `plot` is not installed.
    """
    parts = [_figure(result).to_html(include_plotlyjs=True, full_html=False)]
    for side in result.recordings:
        panels = small_multiples(result, side)
        if panels is not None:
            parts.append(panels.to_html(include_plotlyjs=False, full_html=False))
    return PAGE.format(body="\n".join(parts))


def _figure(result: Analysis) -> Figure:
    try:
        from plotly.graph_objects import Scatter, Scattergl  # noqa: PLC0415 - an extra, and slow to import
        from plotly.subplots import make_subplots  # noqa: PLC0415
    except ImportError:
        expected = "the extra `plot` (pip install 'sensord[plot]')"
        raise InputError(Problem("command line", "--plot", "no plotly here", expected)) from None
    sides = list(result.recordings)
    titles = [f"{side.value}: {what}" for side in sides for what in ("acceleration, g", "angular rate, °/s")]
    figure = make_subplots(
        rows=2 * len(sides) + 1,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.05,
        subplot_titles=[*titles, "contact time, ms"],
    )
    last = 2 * len(sides) + 1
    for index, side in enumerate(sides):
        t_s, acc_g, rate_dps = _signals(result.recordings[side])
        own = [s for s in result.strides if s.foot is side]
        for row, signal in ((2 * index + 1, acc_g), (2 * index + 2, rate_dps)):
            line = {"color": FOOT_COLOUR[side], "width": 1}
            figure.add_trace(Scattergl(x=t_s, y=signal, line=line, name=side.value, showlegend=False), row=row, col=1)
            for name, symbol, at_s in _events(own):
                marks = {"symbol": symbol, "size": 8, "color": "#111"}
                y = np.interp(at_s, t_s, signal)
                dots = Scatter(x=at_s, y=y, mode="markers", marker=marks, name=name, showlegend=row == 1)
                figure.add_trace(dots, row=row, col=1)
        figure.add_trace(Scatter(**_contact_times(side, own)), row=last, col=1)
    figure.update_layout(
        title="sensord: contacts found",
        height=240 * last,
        template="plotly_white",
        legend={"orientation": "h", "y": 1.04},
    )
    figure.update_xaxes(title_text="s", row=last, col=1)
    return figure


def _contact_times(side: Side, strides: list[Stride]) -> dict[str, object]:
    """Contact time per stride as a trace."""
    timed = [s for s in strides if s.contact_time_s is not None]
    return {
        "x": [s.ic_pod_ns / NS for s in timed],
        "y": [(s.contact_time_s or 0.0) * 1000 for s in timed],
        "mode": "markers",
        "marker": {"color": FOOT_COLOUR[side]},
        "name": f"contact time {side.value}",
        "text": [f"stride {s.stride}, confidence {s.confidence:.2f} {'; '.join(s.spoiled)}" for s in timed],
    }


def _signals(recording: ImuRecording) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Time s, |acceleration| g, |angular rate| °/s of one foot."""
    t_s = np.concatenate([b.t_pod_ns for b in recording.blocks]) / NS
    acc_g = np.concatenate([np.linalg.norm(b.acc_mps2, axis=1) for b in recording.blocks]) / G_MPS2
    rate_dps = np.degrees(np.concatenate([np.linalg.norm(b.gyr_radps, axis=1) for b in recording.blocks]))
    step = -(-len(t_s) // ROWS_AT_MOST)
    return t_s[::step], acc_g[::step], rate_dps[::step]


def _events(strides: list[Stride]) -> list[tuple[str, str, FloatArray]]:
    """Name, marker and times of the contacts of one foot."""
    ic = {s.ic_pod_ns for s in strides} | {s.next_ic_pod_ns for s in strides if s.next_ic_pod_ns is not None}
    tc = {s.tc_pod_ns for s in strides if s.tc_pod_ns is not None}
    return [
        ("initial contact", "triangle-down", np.array(sorted(ic), dtype=np.float64) / NS),
        ("toe-off", "triangle-up", np.array(sorted(tc), dtype=np.float64) / NS),
    ]
