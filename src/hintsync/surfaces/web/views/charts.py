"""Charts as coordinates, for a template to draw: bars and lines over equal steps of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Final

#: Size of a drawing, and what is left around it for words.
WIDTH: Final = 720
HEIGHT: Final = 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 8.0, 10.0, 24.0
_PLOT_WIDTH, _PLOT_HEIGHT = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
#: Lines across the drawing.
_GRID: Final = 4
#: Every so many steps one has its word below.
_EVERY: Final = 3


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, with what it says when it is pointed at."""

    x: float
    y: float
    width: float
    height: float
    told: str


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a line."""

    x: float
    y: float
    told: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word beside an axis, and where its line is."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing."""

    #: What a screen reader says of it.
    told: str
    rows: tuple[Word, ...]
    columns: tuple[Word, ...]
    #: Bars or points by series, in the order of `names`.
    bars: tuple[tuple[Bar, ...], ...] = ()
    #: Pieces of lines by series: a step without a figure parts two pieces.
    lines: tuple[tuple[tuple[Point, ...], ...], ...] = ()
    names: tuple[str, ...] = ()
    width: int = WIDTH
    height: int = HEIGHT
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    bottom: float = _TOP + _PLOT_HEIGHT


@dataclass(frozen=True, slots=True)
class Series:
    """Figures over time; None where there is none."""

    name: str
    figures: Sequence[float | None]
    unit: str = ""


def bar_chart(told: str, series: Sequence[Series], steps: Sequence[str]) -> Chart:
    """Draw bars side by side for each step."""
    top = _top(series)
    slot = _PLOT_WIDTH / max(len(steps), 1)
    width = slot * 0.8 / max(len(series), 1)
    bars = []
    for number, one in enumerate(series):
        drawn = []
        for step, figure in enumerate(one.figures):
            height = _PLOT_HEIGHT * (figure or 0) / top
            x = _LEFT + slot * step + slot * 0.1 + width * number
            said = f"{steps[step]}: {one.name} {_said(figure)}{one.unit}"
            drawn.append(Bar(_round(x), _round(_y(0, top) - height), _round(width), _round(height), said))
        bars.append(tuple(drawn))
    return Chart(told, _rows(top), _columns(steps), bars=tuple(bars), names=tuple(one.name for one in series))


def line_chart(told: str, series: Sequence[Series], steps: Sequence[str]) -> Chart:
    """Draw a line for each series; where a figure is missing, it is interrupted."""
    top = _top(series)
    lines = tuple(tuple(_pieces(one, steps, top)) for one in series)
    return Chart(told, _rows(top), _columns(steps), lines=lines, names=tuple(one.name for one in series))


def _pieces(one: Series, steps: Sequence[str], top: float) -> list[tuple[Point, ...]]:
    slot = _PLOT_WIDTH / max(len(steps), 1)
    pieces: list[list[Point]] = [[]]
    for step, figure in enumerate(one.figures):
        if figure is None:
            pieces.append([])
            continue
        said = f"{steps[step]}: {one.name} {_said(figure)}{one.unit}"
        pieces[-1].append(Point(_round(_LEFT + slot * (step + 0.5)), _round(_y(figure, top)), said))
    return [tuple(piece) for piece in pieces if piece]


def _top(series: Sequence[Series]) -> float:
    """Return the least round number that no figure lies above."""
    most = max((figure for one in series for figure in one.figures if figure is not None), default=0.0)
    if most <= 0:
        return 1.0
    power = 10.0 ** floor(log10(most))
    return next(step * power for step in (1, 2, 4, 5, 8, 10) if most <= step * power * (1 + 1e-9))


def _rows(top: float) -> tuple[Word, ...]:
    figures = [top * number / _GRID for number in range(_GRID + 1)]
    return tuple(Word(_round(_y(figure, top)), _said(figure)) for figure in figures)


def _columns(steps: Sequence[str]) -> tuple[Word, ...]:
    slot = _PLOT_WIDTH / max(len(steps), 1)
    wanted = range(len(steps) - 1, -1, -_EVERY)
    return tuple(Word(_round(_LEFT + slot * (step + 0.5)), steps[step]) for step in sorted(wanted))


def _y(figure: float, top: float) -> float:
    return _TOP + _PLOT_HEIGHT * (1 - figure / top)


def _round(number: float) -> float:
    return round(number, 1)


def _said(figure: float | None) -> str:
    if figure is None:
        return "none"
    if figure >= 10 or figure == int(figure):
        return f"{figure:,.0f}"
    return f"{figure:.2f}".rstrip("0").rstrip(".")
