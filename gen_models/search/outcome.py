"""What a search leaves: a table, the winner as a preset, two pictures, the lineage as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from gen_models import render
from gen_models.evaluation.measure import MEASURES
from gen_models.runs import Recipe, RunOptions
from gen_models.schedules import Schedule
from gen_models.search.rules import Candidate, Rung, with_short_schedules
from gen_models.search.score import Measures, ScoreTerm
from gen_models.sweep.space import Space, is_logarithmic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

WON, FINISHED, STOPPED, DIVERGED = "won", "finished", "stopped", "diverged"
COLOURS = {STOPPED: "0.75", DIVERGED: "tab:red", FINISHED: "tab:blue", WON: "tab:orange"}
# Options that a preset leaves out. Of several averages the winner's best is its `ema_decay`.
OF_RUN = ("steps", "seed", "out", "data_dir", "hold_out", "sample_every_steps", "keep_checkpoints")
LEFT_OUT = (*OF_RUN, "ema_decays")


def fates(rungs: Sequence[Rung]) -> dict[str, str]:
    """What became of each candidate, by name, the best ones first."""
    by_name: dict[str, str] = {}
    for rung in reversed(rungs):
        fate = FINISHED if rung is rungs[-1] else STOPPED
        for name in (candidate.name for candidate in rung.ranked):
            if name not in by_name:
                by_name[name] = fate if np.isfinite(rung.scores[name]) else DIVERGED
    winner = rungs[-1].ranked[0].name
    return by_name | ({winner: WON} if by_name[winner] == FINISHED else {})


def _candidates(rungs: Sequence[Rung]) -> dict[str, Candidate]:
    return {candidate.name: candidate for rung in rungs for candidate in rung.candidates}


def history(rungs: Sequence[Rung], name: str) -> list[tuple[int, float]]:
    """Steps and scores of a candidate, including those of its parent before it was copied."""
    candidates, points = _candidates(rungs), []
    current: str | None = name
    for rung in reversed(rungs):
        while current is not None and current not in rung.scores and points:
            current = candidates[current].parent
        if current in rung.scores:
            points.append((rung.step, rung.scores[current]))
    return points[::-1]


def shown_term(term: ScoreTerm) -> str:
    """A term of a score as text."""
    sign = {"lower": "", "higher": "-", "real": "|distance from real images| of "}
    weight = "" if term.weight == 1 else f"{term.weight:g} × "
    return f"{sign[MEASURES[term.name].better]}{weight}{MEASURES[term.name].title}"


def steps_trained(rungs: Sequence[Rung]) -> int:
    """Steps that all candidates together have trained; those that a copy inherits do not count."""
    total, before = 0, 0
    for rung in rungs:
        total += len(rung.candidates) * (rung.step - before)
        before = rung.step
    return total


def table(rungs: Sequence[Rung], space: Space) -> str:
    """Markdown table of the candidates, the best first."""
    names = [*space.ranges, *space.choices]
    candidates = _candidates(rungs)
    rows = [["", *names, "steps", "score", "fate"]]
    for name, fate in fates(rungs).items():
        step, score = history(rungs, name)[-1]
        values = with_short_schedules(candidates[name].recipe, space).to_flat()
        cells = [_shown(values[option]) for option in names]
        rows.append([f"`{name}`", *cells, str(step), f"{score:.3f}", fate])
    return render.markdown_table(rows)


def _shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def page(
    command: str, machine: str, protocol: str, rungs: Sequence[Rung], space: Space, report: str
) -> str:
    """Text of the search's Markdown page."""
    trained, whole = steps_trained(rungs), len(rungs[0].candidates) * rungs[-1].step
    report = f"## The report\n\n{REPORT}\n\n{report}\n" if report else ""
    return f"""# Search

Made by `{command}` on {machine}.

{len(rungs[0].candidates)} settings; scores at steps {", ".join(str(rung.step) for rung in rungs)},
lower is better, by {protocol}. Trained were {trained:,} steps of candidates; all of them to the end
would be {whole:,}, {whole / trained:.1f} times as many.

{report}## Candidates

{table(rungs, space)}
![scores](scores.png)

![options](options.png)
"""


REPORT = (
    "The winner, the runner-up and the default of its time, trained with seeds that had no part in "
    "the choice, on all training images, measured once against the test split: mean ± deviation "
    "over the seeds."
)


def preset(winner: Recipe, space: Space, where: str, search: str) -> str:
    """The winner as a preset: all options of its model, as defaults may change, and the command
    that trains it. Trained alone, with the search's seed and --hold-out, it is the winning run."""
    recipe = with_short_schedules(winner, space)
    named = {"model": recipe.options.model, "dataset": recipe.options.dataset}
    default = Recipe.from_flat(named).to_flat()
    models = recipe.config.__dataclass_fields__
    values = {
        name: value
        for name, value in recipe.to_flat().items()
        if name not in LEFT_OUT and (name in models or value != default[name])
    }
    lines = named | {"steps": recipe.options.steps} | values
    body = "".join(f"{name} = {_literal(value)}\n" for name, value in lines.items())
    wrapped = textwrap.wrap(search, 92, break_long_words=False, break_on_hyphens=False)
    search = " \\\n    ".join(wrapped)  # can be pasted into a shell
    return f'''"""The winner of a search, on the validation images of seed {recipe.options.seed}.

{search}

python -m experiments.train --config {where}
"""

{body}'''


def lineage(
    rungs: Sequence[Rung], space: Space, measures: Mapping[str, Mapping[int, Measures]]
) -> str:
    """JSON text of every candidate: its options, parent, fate, scores, and the measures behind
    these, given by candidate and step."""
    candidates = _candidates(rungs)
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "parent": candidates[name].parent,
            "fate": fate,
            "scores": [[s, x if np.isfinite(x) else None] for s, x in history(rungs, name)],
            "measures": [[s, dict(values)] for s, values in measures.get(name, {}).items()],
            "options": _options(candidates[name].recipe, space),
        }
        for name, fate in fates(rungs).items()
    ]
    return json.dumps({"rungs": [rung.step for rung in rungs], "candidates": rows}, indent=1) + "\n"


def _options(recipe: Recipe, space: Space) -> Mapping[str, Any]:
    return with_short_schedules(recipe, space).with_values({"out": None, "data_dir": None}).identity


def score_chart(rungs: Sequence[Rung]) -> Image.Image:
    """Chart of every candidate's score over its steps, coloured by its fate."""
    by_name = fates(rungs)

    def draw(panels: Sequence[Axes]) -> None:
        (axes,) = panels
        for fate, colour in COLOURS.items():
            label = fate
            for name in (name for name, its in by_name.items() if its == fate):
                points = [(s, x) for s, x in history(rungs, name) if np.isfinite(x)]
                if points:
                    style = {"color": colour, "label": label, "lw": 2.5 if fate == WON else 1}
                    axes.plot(*zip(*points, strict=True), marker="o", ms=3, **style)
                    label = None
        _scale(axes, rungs)
        axes.set_xlabel("step")
        axes.set_ylabel("score, lower is better")
        axes.legend(frameon=False)

    return render.chart(draw, 1, 1, (7, 4.5))


def options_chart(rungs: Sequence[Rung], space: Space) -> Image.Image:
    """Chart of the last score of each candidate against each of its options, by fate."""
    candidates, by_name = _candidates(rungs), fates(rungs)
    options = [*space.ranges, *space.choices]

    def draw(panels: Sequence[Axes]) -> None:
        for axes, option in zip(panels, options, strict=True):
            for fate, colour in COLOURS.items():
                points = []
                for name in (name for name, its in by_name.items() if its == fate):
                    value = getattr(candidates[name].recipe.config, option)
                    if option in space.ranges and isinstance(value, Schedule):
                        value = value.values[-1]
                    score = history(rungs, name)[-1][1]
                    if np.isfinite(score):
                        points.append((value if option in space.ranges else str(value), score))
                if points:
                    axes.scatter(*zip(*points, strict=True), color=colour, s=18, label=fate)
            if option in space.ranges and is_logarithmic(*space.ranges[option]):
                axes.set_xscale("log")
                _plain_numbers(axes.xaxis)
            _scale(axes, rungs)
            axes.set_title(option)
            axes.set_ylabel("last score")

    return render.chart(draw, len(options), min(3, len(options)), (3.6, 3))


def _literal(value: object) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)  # with double quotes


def _scale(axes: Axes, rungs: Sequence[Rung]) -> None:
    """Make the axis of scores logarithmic, unless some are not positive."""
    finite = [x for rung in rungs for x in rung.scores.values() if np.isfinite(x)]
    if finite and min(finite) > 0:
        axes.set_yscale("log")
        _plain_numbers(axes.yaxis)


def _plain_numbers(axis: Axis) -> None:
    """Label the ticks of a logarithmic axis, whose range may hold no power of ten, as plain
    numbers, since charts do not set mathematics."""
    from matplotlib.ticker import LogLocator

    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(LogLocator(subs=(2, 5)))
    axis.set_minor_formatter("{x:g}")


def default_of(winner: Recipe) -> Recipe:
    """Today's default of the winner's model, with the run options of the winner, such as its
    steps."""
    kept = {name: getattr(winner.options, name) for name in RunOptions.__dataclass_fields__}
    fresh = Recipe.from_flat({"model": winner.options.model})
    return fresh.with_options(**kept)
