"""Stride by stride in small panels: pitch rate and acceleration round each contact, with the events found in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensord.analysis import Analysis
from sensord.files.imu_recording import ImuRecording
from sensord.model import G_MPS2, NS, FloatArray, Side, Stride

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PANELS = 24
COLUMNS = 6
"""Design choices: as many strides as fit on a page and can still be read."""

BEFORE_S = 0.1
PITCH, ACC, DOUBTFUL = "#0b57c2", "#b0b4ba", "#b3261e"


def small_multiples(result: Analysis, side: Side) -> Figure | None:
    """Panels of one foot: evenly chosen strides, doubtful ones in red; None without strides or pitch axis."""
    from plotly.graph_objects import Scatter  # noqa: PLC0415 - an extra, and slow to import
    from plotly.subplots import make_subplots  # noqa: PLC0415

    own = [s for s in result.strides if s.foot is side]
    if not own or side not in result.pitch_axes:
        return None
    chosen = chosen_strides(own)
    t_s, pitch_dps, acc_g = _signals(result.recordings[side], result.pitch_axes[side])
    rows = -(-len(chosen) // COLUMNS)
    figure = make_subplots(
        rows=rows, cols=COLUMNS, shared_xaxes=True, shared_yaxes=True, horizontal_spacing=0.01,
        vertical_spacing=0.25 / rows, subplot_titles=[_title(s) for s in chosen],
    )  # fmt: skip
    for index, stride in enumerate(chosen):
        place = {"row": index // COLUMNS + 1, "col": index % COLUMNS + 1}
        ic_s = stride.ic_pod_ns / NS
        end_s = (stride.next_ic_pod_ns or stride.tc_pod_ns or stride.ic_pod_ns) / NS + BEFORE_S
        part = slice(*np.searchsorted(t_s, (ic_s - BEFORE_S, end_s)))
        after_ms = 1000 * (t_s[part] - ic_s)
        for name, signal, colour in (("|acc|, g × 20", 20 * acc_g, ACC), ("pitch rate, °/s", pitch_dps, PITCH)):
            line = {"color": colour, "width": 1}
            figure.add_trace(
                Scatter(x=after_ms, y=signal[part], line=line, mode="lines", name=name, showlegend=index == 0), **place
            )
        for at_ns in (stride.ic_pod_ns, stride.tc_pod_ns, stride.next_ic_pod_ns):
            if at_ns is not None:
                colour = "#111" if stride.confidence >= 0.5 else DOUBTFUL
                figure.add_vline(x=at_ns / 1e6 - stride.ic_pod_ns / 1e6, line={"color": colour, "width": 1}, **place)
    figure.update_annotations(font_size=11)
    figure.update_layout(
        title=f"{side.value} foot: {len(chosen)} of {len(own)} strides; lines: initial contact, toe-off, next contact",
        height=90 + 150 * rows,
        template="plotly_white",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1 + 0.3 / rows, "x": 0.75},
    )
    figure.update_xaxes(title_text="ms", row=rows)
    return figure


def chosen_strides(strides: list[Stride]) -> list[Stride]:
    """At most `PANELS` strides of one foot: half of the places for the least sure ones, the rest evenly over time."""
    if len(strides) <= PANELS:
        return strides
    doubtful = sorted((s for s in strides if s.confidence < 0.5), key=lambda s: s.confidence)[: PANELS // 2]
    rest = [s for s in strides if s not in doubtful]
    even = [rest[i] for i in np.linspace(0, len(rest) - 1, PANELS - len(doubtful)).round().astype(int).tolist()]
    return sorted((*doubtful, *even), key=lambda s: s.stride)


def _title(stride: Stride) -> str:
    contact = "–" if stride.contact_time_s is None else f"{1000 * stride.contact_time_s:.0f} ms"
    flaws = " !" if stride.spoiled else ""
    return f"{stride.stride}: {stride.activity.value}, {contact}, conf. {stride.confidence:.2f}{flaws}"


def _signals(recording: ImuRecording, axis: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Time s, pitch rate deg/s (toe-up positive), |acceleration| g."""
    t_s = np.concatenate([b.t_pod_ns for b in recording.blocks]) / NS
    pitch = np.concatenate([np.einsum("ni,i->n", b.gyr_radps, axis) for b in recording.blocks])
    acc = np.concatenate([np.linalg.norm(b.acc_mps2, axis=1) for b in recording.blocks])
    return t_s, np.degrees(pitch), acc / G_MPS2
