"""Which runs the scoreboard asks for, and which of those on disk it takes."""

from dataclasses import replace
from pathlib import Path

import pytest
from made_results import evaluation

from gen_models import runs
from gen_models.evaluation import record
from gen_models.evaluation.measure import Score
from gen_models.evaluation.protocol import Protocol
from gen_models.runs import RunError, checkpoint
from gen_models.scoreboard import agenda, page, results
from gen_models.scoreboard.agenda import Agenda, is_evaluated, is_trained
from gen_models.scoreboard.results import Cell, RunResult

PROTOCOL = Protocol("net-v1-0123abcd", "mnist", "test", 100)
FIDS = {"dcgan": 3.0, "cgan": 1.0, "vae": 9.0, "gan": 2.0, "lsgan": 2.5, "hinge": 0.5}
BOARD = Agenda(tuple(FIDS), ("mnist", "other"), seeds=2, best=2, steps=5)
CELL = Cell("mnist", "gan", 0, 5)


@pytest.fixture(autouse=True)
def protocol(monkeypatch):
    """No feature net is there; "other" has none at all."""
    monkeypatch.setattr(agenda, "protocol", lambda _: PROTOCOL)


def result(cell, **change):
    """What counts as the result of a cell, but for the changes."""
    measured = evaluation(cell.seed, FIDS[cell.model], cell.model)._replace(protocol=PROTOCOL)
    options = agenda.recipe_of(cell).identity
    return RunResult(options, measured, 60.0, "a machine", "abc")._replace(**change)


def once():
    """A result of every model, seed 0 on the first data set."""
    cells = [Cell("mnist", model, 0, 5) for model in FIDS]
    return {cell: result(cell) for cell in cells}


# --- the agenda


def test_cells_of_a_seed_are_every_model_on_the_first_data_set_and_the_leading_on_the_others():
    # The three that always are; hinge is among the two best, cgan is so too.
    leading = ["dcgan", "cgan", "vae", "hinge"]
    places = [("mnist", model) for model in FIDS] + [("other", model) for model in leading]
    expected = [Cell(*place, seed, 5) for seed in (0, 1) for place in places]
    assert list(BOARD.cells(once())) == expected


def test_cells_ask_for_the_leading_only_after_every_model_was_asked_for():
    measured = {}
    for cell in BOARD.cells(measured):
        if len(measured) < len(FIDS):
            measured[cell] = result(cell)
        elif cell.dataset == "other":
            assert cell.model in ("dcgan", "cgan", "vae", "hinge")


def test_leading_are_the_best_of_all_that_are_measured_and_of_those_asked_for():
    assert BOARD.leading_models(once()) == ["dcgan", "cgan", "vae", "hinge"]
    assert BOARD.leading_models({}) == ["dcgan", "cgan", "vae"]
    # gan is the third best
    assert BOARD._replace(models=("gan", "vae")).leading_models(once()) == ["vae"]
    assert BOARD._replace(models=("gan", "vae"), best=3).leading_models(once()) == ["gan", "vae"]


def test_a_preset_is_made_once_beside_its_model_with_the_same_steps(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    agenda.CONFIGS.mkdir()
    papers = agenda.TABLES[0]
    papers.write_text('gan = {"model": "gan", "width": 4, "steps": 9}\n')
    board = BOARD._replace(presets=agenda.presets())
    ours, theirs = CELL, Cell("mnist", "gan", 0, 5, "papers.py:gan")
    assert list(board.cells(once()))[-1] == theirs
    assert board._replace(models=("vae",)).missing_cells({}) == [
        Cell(dataset, "vae", seed, 5) for seed in (0, 1) for dataset in ("mnist", "other")
    ]
    recipe = agenda.recipe_of(theirs)
    assert (recipe.config.width, recipe.options.steps) == (4, 5)
    assert agenda.recipe_of(ours).config.width != 4
    assert (theirs.name, ours.name) == ("mnist-papers-gan-0", "mnist-gan-0")
    # A result of one is none of the other, and none at all when the preset is gone.
    best = {theirs: result(theirs)._replace(preset=theirs.preset)}
    assert agenda.valid_results([ours, theirs], best) == best
    assert board._replace(best=6).leading_models(best) == ["dcgan", "cgan", "vae"]
    papers.unlink()
    assert not agenda.valid_results([theirs], best)


def test_missing_are_the_cells_without_a_valid_result():
    cells = list(BOARD.cells(once()))
    assert BOARD.missing_cells(once()) == cells[len(FIDS) :]
    assert BOARD.missing_cells({}) == list(BOARD.cells({}))
    stale = once() | {CELL: result(CELL, options={"width": 3})}
    assert BOARD.missing_cells(stale) == [CELL, *cells[len(FIDS) :]]


# --- results that count


def test_valid_results_are_of_todays_models_options_and_protocol():
    gone = CELL._replace(model="no_more")
    other = evaluation(0, 2.0)._replace(protocol=replace(PROTOCOL, samples=99))
    assert agenda.valid_results([CELL], {CELL: result(CELL)}) == {CELL: result(CELL)}
    for cell, other_result in (
        (CELL, result(CELL, options={"width": 3})),
        (CELL, result(CELL, evaluation=other)),
        (gone, result(CELL)),
    ):
        assert agenda.valid_results([cell], {cell: other_result}) == {}
    assert agenda.valid_results([CELL], {}) == {}


def test_the_committed_scoreboard_is_valid_as_a_whole(monkeypatch):
    """Its results count today: same options, same protocol. Whoever changes a default or a measure
    takes what is stale out of scoreboard.json, or has it made anew."""
    monkeypatch.undo()
    folder = Path(__file__).parents[2] / "results"
    board = results.read(folder / "scoreboard.json")
    assert len(agenda.valid_results(board, board)) == len(board) > 0
    pictures = {folder / page.picture(cell.dataset, cell.row) for cell in board if cell.seed == 0}
    assert pictures <= set((folder / "scoreboard").iterdir())


# --- runs that count


def whole_run(folder, tiny, cell=CELL):
    """The folder of a run with a cell's options that is at its last step."""
    with runs.open_locked(folder, agenda.recipe_of(cell, folder), tiny.train):
        checkpoint.file_of(folder / runs.CHECKPOINTS, cell.steps).touch()
    return folder


def test_only_a_whole_run_of_the_default_options_is_trained(tmp_path, tiny):
    folder = whole_run(tmp_path / "run", tiny)
    assert is_trained(CELL, folder)
    assert not is_trained(CELL, tmp_path / "nowhere")
    assert not is_trained(CELL._replace(steps=6), folder)
    assert not is_trained(CELL._replace(seed=1), folder)
    checkpoint.file_of(folder / runs.CHECKPOINTS, 6).touch()
    assert not is_trained(CELL, folder)


@pytest.mark.parametrize(
    ("change", "full"),
    [
        ({}, True),
        ({"step": 4}, False),
        ({"sampling_seed": 1}, False),
        ({"draws": 7}, False),
        ({"likelihood_images": 7}, False),
        ({"protocol": replace(PROTOCOL, samples=99)}, False),
        ({"names": ["fid"]}, False),
        ({"names": ["fid", "authenticity", "label_accuracy"]}, False),
        ({"names": ["fid", "authenticity", "label_accuracy", "classification_score"]}, True),
    ],
)
def test_only_a_full_evaluation_of_the_last_state_by_the_protocol_is_taken(tmp_path, change, full):
    wanted = {"step": 5, "protocol": PROTOCOL, "names": ["fid", "authenticity"]} | change
    usual = evaluation(0, 1.0)
    scores = dict.fromkeys(wanted["names"], Score(1.0, 0.1, 0.0, None))
    drawn = {name: value for name, value in wanted.items() if name not in ("protocol", "names")}
    subject = usual.subject | drawn
    written = usual._replace(
        subject=subject, protocol=wanted["protocol"], measures=scores, likelihood={"images": 7}
    )
    record.write(tmp_path / record.NAME, written)
    assert is_evaluated(CELL, tmp_path, cas=True) is full
    assert not is_evaluated(CELL, tmp_path / "nowhere", cas=True)


def test_result_of_a_run_without_sessions_is_refused(tmp_path, tiny):
    folder = whole_run(tmp_path / "run", tiny)
    record.write(folder / record.NAME, evaluation(0, 1.0))
    with pytest.raises(RunError, match="does not say what the run was trained on"):
        agenda.result_of(runs.load(folder))


def test_result_of_a_run_names_each_machine_and_code_of_its_sessions_once(tmp_path, tiny):
    folder = whole_run(tmp_path / "run", tiny)
    record.write(folder / record.NAME, evaluation(0, 1.0))
    session = {
        "processor": "a machine",
        "cores": 2,
        "devices": ["cpu: cpu"],
        "python": "3",
        "libraries": {"jax": "0"},
        "code": "abc",
        "seconds": 20.0,
    }
    run = runs.load(folder)
    run.record_sessions([session, session | {"code": "def"}, session])
    run_result = agenda.result_of(run)
    assert run_result.options == agenda.recipe_of(CELL).identity
    assert run_result.fid == 1.0
    assert run_result.seconds == 60.0
    assert run_result.machine == "a machine, 2 cores, cpu: cpu, Python 3, jax 0"
    assert run_result.code == "abc, then def"
