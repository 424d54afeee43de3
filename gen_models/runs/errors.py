"""Errors about the folder of a run."""

from gen_models.errors import UserError


class RunError(UserError):
    """A run folder that is no run, is another run, is damaged, or is in use."""


class OtherRunError(RunError):
    """A folder with another run than the one that is asked for, or with more steps."""


class BusyRunError(RunError):
    """A run that another process works on."""
