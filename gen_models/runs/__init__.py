"""A run on disk: its folder, its recipe, its checkpoints, the environments of its sessions.

Nothing here trains, draws or measures.
"""

from gen_models.runs.data_record import DataRecord
from gen_models.runs.errors import BusyRunError, OtherRunError, RunError
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
    Run,
    load,
    open_locked,
)
from gen_models.runs.recipe import Recipe, RunOptions
