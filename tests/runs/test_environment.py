"""What a run ran on, and whether that has changed."""

from gen_models.runs import environment


def test_changes_on_the_same_machine_are_none():
    here = environment.describe()
    assert environment.changes(here, environment.describe()) == []


def test_changes_name_what_may_change_the_last_bits():
    here = environment.describe()
    before = here | {"devices": ["gpu: NVIDIA H200"], "command": ["another"]}
    assert environment.changes(before, here) == [
        f"devices: ['gpu: NVIDIA H200'] then, {here['devices']} now"
    ]
    assert len(environment.changes({}, here)) == len(environment.DECISIVE)
