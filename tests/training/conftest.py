"""Fixtures of the tests of populations."""

import pytest
from populations import hasten

from gen_models.training import fit


@pytest.fixture(scope="module")
def quick_populations():
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch)
        yield


@pytest.fixture
def one_step_a_dispatch(monkeypatch):
    """A sweep can be stopped at any step, but for those that module fixtures train."""
    monkeypatch.setattr(fit, "DISPATCH_S", 1e-9)
