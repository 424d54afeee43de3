"""Members trained together are the runs that they would be alone, on any number of devices."""

from functools import partial

import jax
import jax.numpy as jnp
import pytest
from populations import (
    DONE,
    STEPS,
    VECTORISED,
    assert_close,
    choose,
    made,
    make_members,
    recorders_of,
    saved,
    sweep,
    train_on_several_devices,
)
from trainings import assert_same_bits, products, rows

from gen_models import runs
from gen_models.errors import UserError
from gen_models.models import _gans
from gen_models.training import fit, population
from gen_models.training.population import Ending

pytestmark = pytest.mark.usefixtures("quick_populations", "one_step_a_dispatch")


# --- members and single runs


# A conditional model, one whose state has an extra, one whose prior is fitted.
KINDS = (
    {"model": "cgan"},
    pytest.param({"model": "began"}, marks=pytest.mark.slow),
    pytest.param({"model": "vae", "prior_components": 4}, marks=pytest.mark.slow),
)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind["model"])
def alone(request, tmp_path_factory, tiny):
    """Options, their single runs, and the first states of these."""
    folder = tmp_path_factory.mktemp("alone")
    with recorders_of(folder, tiny, make_members(**request.param)) as recorders:
        first = [jax.device_get(recorder.restored(print)) for recorder in recorders]
        assert [fit.fit(recorder) for recorder in recorders] == [STEPS] * 3
    return request.param, folder, first


@pytest.fixture(scope="module", params=VECTORISED)
def together(request, alone, tmp_path_factory, tiny):
    """The same runs trained together, and their first states."""
    folder, first = tmp_path_factory.mktemp("together"), []
    with pytest.MonkeyPatch.context() as patch:
        advance = population.Wave.advance

        def spy(wave, members, step, count):
            if step == 0:
                first.extend(wave.gathered(members.state))
            return advance(wave, members, step, count)

        patch.setattr(population.Wave, "advance", spy)
        choose(patch, request.param)
        assert sweep(folder, tiny, make_members(**alone[0])) == [DONE] * 3
    return folder, first


def test_a_member_equals_its_single_run(together, alone):
    steps = 8 if alone[0]["model"] == "began" else None  # its rounding grows beyond comparison
    for member in "012":
        assert_close(together[0] / member, alone[1] / member, steps)
        assert [row["step"] for row in rows(together[0] / member)] == [*range(1, STEPS + 1)]


def test_a_member_starts_bit_for_bit_as_its_single_run(together, alone):
    assert len(together[1]) == 3
    for found, wanted in zip(together[1], alone[2], strict=True):
        assert found.step == 0
        assert_same_bits(found, wanted)


def test_a_member_has_all_that_a_single_run_has(together, alone):
    for member in "012":
        found, wanted = together[0] / member, alone[1] / member
        assert products(found).keys() == products(wanted).keys()
        assert (found / runs.CONFIG).read_bytes() == (wanted / runs.CONFIG).read_bytes()
    assert saved(together[0]) == saved(alone[1]) == [[15, STEPS]] * 3


# --- devices


@pytest.fixture(scope="module")
def on_devices(tmp_path_factory):
    """The folder of sweeps on several devices, by the names in `populations`."""
    root = tmp_path_factory.mktemp("devices")
    train_on_several_devices(root)
    return root


@pytest.mark.slow
@pytest.mark.parametrize("name", ["4 on 4", "3 on 2", "2 on 4"])
def test_the_number_of_devices_changes_no_more_than_rounding(on_devices, name):
    found = sorted((on_devices / "vectorised" / name).iterdir())
    assert len(found) == int(name[0])
    for member in found:
        assert_close(member, on_devices / "vectorised" / "4 on 1" / member.name)


@pytest.mark.slow
def test_as_many_members_on_each_of_several_devices_give_the_same_bits(on_devices):
    """Not so on a single device, whose program is compiled by other rules."""
    folder = on_devices / "vectorised"
    assert made(folder / "2 on 4") == made(folder / "4 on 4")[:2]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["4 on 4", "3 on 2", "moved"])
def test_in_turn_members_have_the_same_bits_wherever_they_are(on_devices, name):
    """Those among them that went on on other devices."""
    found = made(on_devices / "in turn" / name)
    assert found == made(on_devices / "in turn" / "4 on 1")[: len(found)]


# --- data


def test_data_that_no_device_could_hold_is_refused(tmp_path, tiny, monkeypatch):
    monkeypatch.setattr(population, "MAX_DATA_BYTES", tiny.train.images.nbytes - 1)
    with pytest.raises(UserError, match=r"tiny has .* GiB of images.*train the runs singly"):
        sweep(tmp_path, tiny, make_members())
    assert saved(tmp_path) == [[]] * 3


def test_what_is_done_in_some_steps_is_done_in_no_others_however_many_members(
    tmp_path, tiny, monkeypatch
):
    """Under vmap a condition of each member's own would be computed both ways in every step."""
    done = []

    def counted(weight):
        def penalty(scores, real, fake, key):
            del fake, key
            jax.debug.callback(lambda: done.append(1))
            return weight * jnp.mean(scores(real)) ** 2

        return penalty

    monkeypatch.setattr(_gans.losses, "r1_penalty", counted)
    monkeypatch.setattr(population, "program", partial(population.program, vectorised=True))
    members = make_members(2, model="gan", steps=6)
    assert sweep(tmp_path, tiny, members) == [Ending(6, False)] * 2
    jax.effects_barrier()
    assert len(done) == 2  # after steps 0 and 4, for all members at once
