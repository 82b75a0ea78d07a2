"""Interactive plots as HTML fragments; the page carries plotly's script once."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

PALETTE = ("#2158d0", "#e07a1f", "#1f8a50", "#c2273d", "#7c4dbd", "#0e7f8c", "#8a6d1d", "#5d6b7e")
_GRID = "rgba(128,140,158,.25)"


def plotly_script(folder: Path, shared: Path | None) -> str:
    """The tag that brings plotly to a page in `folder`, without a network.

    Args:
        folder: where the page will lie.
        shared: a folder above it that several pages share; the script (4 MB) is written there
            once. None puts the script into the page itself, which then can be moved about.
    """
    if shared is None:
        return f"<script>{get_plotlyjs()}</script>"
    target = shared / "plotly.min.js"
    if not target.is_file():
        target.write_text(get_plotlyjs(), encoding="utf-8")
    up = Path(*[".."] * len(folder.resolve().relative_to(shared.resolve()).parts))
    return f'<script src="{(up / target.name).as_posix()}"></script>'


def speed_plot(
    time_s: np.ndarray, speed_mps: np.ndarray, target_mps: np.ndarray, events_s: Sequence[float]
) -> str:
    """Speed and target speed in km/h over time; infractions as vertical lines."""
    figure = _figure("km/h")
    if np.isfinite(target_mps).any():
        figure.add_scatter(
            x=time_s, y=target_mps * 3.6, name="aimed for", line={"color": PALETTE[1], "width": 1.4}
        )
    figure.add_scatter(
        x=time_s, y=speed_mps * 3.6, name="speed", line={"color": PALETTE[0], "width": 2.2}
    )
    for moment in events_s:
        figure.add_vline(x=moment, line={"color": PALETTE[3], "width": 1.2, "dash": "dot"})
    return _html(figure, 260)


def control_plot(
    time_s: np.ndarray, steer: np.ndarray, throttle: np.ndarray, brake: np.ndarray
) -> str:
    """Steer (left positive), throttle and brake (drawn downwards) over time."""
    figure = _figure("")
    figure.add_scatter(x=time_s, y=throttle, name="throttle", line={"color": PALETTE[2]})
    figure.add_scatter(x=time_s, y=-brake, name="brake (down)", line={"color": PALETTE[3]})
    figure.add_scatter(x=time_s, y=steer, name="steer (left up)", line={"color": PALETTE[0]})
    figure.update_yaxes(range=[-1.05, 1.05])
    return _html(figure, 240)


def score_plot(scores: Mapping[str, Mapping[str, float]], routes: Sequence[str]) -> str:
    """Driving score of every driver on every route, as grouped bars."""
    figure = _figure("driving score")
    for i, (driver, by_route) in enumerate(scores.items()):
        values = [by_route.get(route) for route in routes]
        colour = PALETTE[i % len(PALETTE)]
        figure.add_bar(x=list(routes), y=values, name=driver, marker={"color": colour})
    figure.update_layout(barmode="group", bargap=0.25)
    figure.update_xaxes(title="route", type="category")
    figure.update_yaxes(range=[0, 102])
    return _html(figure, 300)


def _figure(y_title: str) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        margin={"l": 48, "r": 12, "t": 8, "b": 40},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13, "color": "#7d8999"},
        legend={"orientation": "h", "y": 1.12, "x": 0},
        hovermode="x unified",
    )
    figure.update_xaxes(title="s", gridcolor=_GRID, zeroline=False)
    figure.update_yaxes(title=y_title, gridcolor=_GRID, zerolinecolor=_GRID)
    return figure


def _html(figure: go.Figure, height: int) -> str:
    return figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        default_height=f"{height}px",
        config={"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["lasso2d"]},
    )
