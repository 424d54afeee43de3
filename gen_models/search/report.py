"""The report of a search: its best settings and today's default, trained anew.

Their seeds had no part in the choice; they are trained on all images and measured against the test
split.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gen_models.runs import Recipe
from gen_models.search.rules import Rung, with_short_schedules
from gen_models.sweep import results
from gen_models.sweep.execution import Sweep
from gen_models.sweep.space import Space

REPORTED = WINNER, SECOND, DEFAULT = "winner", "runner-up", "default"


def settings(rungs: list[Rung], space: Space, default: Recipe) -> dict[str, Recipe]:
    """The settings to report, by their names in REPORTED."""
    best = [with_short_schedules(candidate.recipe, space) for candidate in rungs[-1].ranked[:2]]
    return dict(zip((WINNER, SECOND), best, strict=False)) | {DEFAULT: default}


def members(recipes: Mapping[str, Recipe], seeds: range, folder: Path) -> tuple[Recipe, ...]:
    """The runs to make: every setting with every seed, each with its folder as `out`."""
    return tuple(
        recipe.with_values({"seed": seed, "hold_out": False, "out": str(folder / f"{name}-{seed}")})
        for name, recipe in recipes.items()
        for seed in seeds
    )


@dataclass(frozen=True)
class SearchReport(Sweep):
    """The runs of a report, trained and measured as those of a sweep."""

    def folder(self, member: Recipe) -> Path:
        return member.options.out

    def setting(self, member: Recipe) -> dict[str, str]:
        return {"setting": self.folder(member).name.rpartition("-")[0]}

    def table(self) -> str:
        """The measures of the settings, mean ± deviation over the seeds, as Markdown."""
        return results.markdown(results.rows([self.result(member) for member in self.plan.members]))
