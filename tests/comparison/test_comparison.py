"""What a comparison shows of runs: its entries, one for those that differ in their seed alone."""

from pathlib import Path

from trainings import make_recipe

from gen_models.comparison.entries import Entry, entries
from gen_models.runs import DataRecord, Run


def test_an_entry_without_evaluations_has_no_summary():
    assert Entry("gan", (), ()).summary == {}
    assert entries([], {}) == []


def test_entries_are_the_groups_of_runs_that_differ_in_their_seed_alone(tiny):
    options = ({"seed": 0}, {"seed": 0, "width": 8}, {"seed": 1}, {"model": "vae"})
    data = DataRecord.of(tiny.train)
    runs = [Run(Path(str(i)), make_recipe(**chosen), data) for i, chosen in enumerate(options)]
    found = entries(runs, {})
    assert [[run.folder.name for run in entry.runs] for entry in found] == [
        ["0", "2"],
        ["1"],
        ["3"],
    ]
    assert [entry.drawn for entry in found] == [runs[0], runs[1], runs[3]]
    assert len({entry.name for entry in found}) == 3
    assert [entry.name.split()[0] for entry in found] == ["dcgan", "dcgan", "vae"]
