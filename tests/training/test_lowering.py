"""Training on several accelerators: the programs, lowered for a GPU and a TPU.

What one accelerator runs is lowered for every model in tests/test_contract.py.
"""

import pytest
from lowering import (
    DEVICES,
    convolutions,
    foreign_calls,
    lower_on_several_devices,
    split_arguments,
)

# Labels and batch statistics; second derivatives of the convolutions; codes, which are looked up.
KINDS = ("cgan", *(pytest.param(name, marks=pytest.mark.slow) for name in ("wgan_gp", "vq_vae")))


@pytest.fixture(scope="module", params=KINDS)
def lowered(request, tmp_path_factory):
    """The folder of a model's lowered programs."""
    folder = tmp_path_factory.mktemp("lowered")
    lower_on_several_devices(folder, request.param)
    return folder


def test_a_population_lowers_for_accelerators_with_members_as_groups_of_convolutions(lowered):
    text = (lowered / "population.mlir").read_text()
    assert f'sdy.mesh @mesh = <["members"={DEVICES}]>' in text
    assert text.count("sdy.manual_computation") == 1  # each device by itself, its members at once
    assert convolutions(text) == {(2, "f32")}
    assert foreign_calls(text) == set()


def test_a_sharded_training_lowers_for_accelerators_with_nothing_split_but_the_batch(lowered):
    text = (lowered / "sharded.mlir").read_text()
    assert f'sdy.mesh @mesh = <["batch"={DEVICES}]>' in text
    assert split_arguments(text, "batch") == {
        "chunk.images": '{}, {"batch"}, {}, {}',
        "chunk.labels": '{}, {"batch"}',
    }
    assert convolutions(text) == {(1, "f32")}
    assert foreign_calls(text) == set()
