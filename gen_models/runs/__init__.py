"""What a run is on disk: its folder, its recipe, its checkpoints, the environments it was made in.

Nothing here trains, draws or measures.
"""

from gen_models.runs.folder import (
    BEST,
    CHECKPOINTS,
    CONFIG,
    DIVERGED,
    ENVIRONMENT,
    EVALUATIONS,
    METRICS,
    RUNS,
    SERIES,
    DataRecord,
    Run,
    RunError,
    load,
    opened,
)
from gen_models.runs.recipe import Recipe, RunOptions
