"""A run on disk: its folder, its recipe, its checkpoints, the environments of its sessions.

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
