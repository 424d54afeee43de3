"""scoreboard.json gives back what was written into it, or is refused."""

from threading import Thread

import pytest
from made_results import evaluation, results_of

from gen_models.scoreboard import results
from gen_models.scoreboard.results import ScoreboardError
from gen_models.storage.files import sole_writer


def test_the_file_gives_back_every_result_and_starts_empty(tmp_path):
    path = tmp_path / "scoreboard.json"
    assert results.read(path) == {}
    board = results_of(evaluation(0, 1.0), evaluation(1, 3.0))
    results.write(path, board)
    assert results.read(path) == board
    text = path.read_text()
    results.write(path, dict(reversed(board.items())))
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("gen_models.scoreboard", "another"),
        ('"seconds": 90.0', '"seconds": "long"'),
        ('"seconds": 90.0', '"seconds": NaN'),
        ('"seconds"', '"second"'),
        ('"machine": "the machine"', '"machine": null'),
        ('"options": {\n    "width": 4\n   }', '"options": 3'),
        ('"seed": 0', '"seeds": 0'),
        ('"seed": 0', '"seed": null'),
        ('"fid": {', '"kid": {'),
        ("]", ""),
        ("gen_models.evaluation", "another"),
    ],
)
def test_a_damaged_file_raises_scoreboard_error_with_what_to_do(tmp_path, old, new):
    path = tmp_path / "scoreboard.json"
    results.write(path, results_of(evaluation(0, 1.0)))
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ScoreboardError, match=r"is no scoreboard: .*restore it"):
        results.read(path)


def test_a_result_is_written_beside_those_of_other_processes(tmp_path):
    path = tmp_path / "scoreboard.json"
    mine, theirs, new = (results_of(evaluation(seed, 2.0)) for seed in range(3))
    results.write(path, theirs)
    ((cell, result),) = new.items()
    there = results.add(path, mine, cell, result)
    assert there == results.read(path) == mine | theirs | new


def test_a_result_waits_for_another_process_that_writes(tmp_path):
    path = tmp_path / "scoreboard.json"
    ((cell, result),) = results_of(evaluation(0, 2.0)).items()
    adding = Thread(target=results.add, args=(path, {}, cell, result))
    with sole_writer(path):
        adding.start()
        adding.join(0.3)
        assert adding.is_alive()
        assert not path.exists()
    adding.join(10)
    assert results.read(path) == {cell: result}
