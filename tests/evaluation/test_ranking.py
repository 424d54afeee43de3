"""Ranks are given as far as all spaces agree on them."""

from gen_models.evaluation.ranking import ranks


def test_ranks_of_one_space_are_places():
    assert ranks([3.0, 1.0, 2.0]) == ["3", "1", "2"]


def test_ranks_that_spaces_agree_on_are_places_and_the_others_are_shared():
    first, second = [1.0, 2.0, 3.0, 4.0, 5.0], [10.0, 30.0, 20.0, 40.0, 50.0]
    assert ranks(first, second) == ["1", "2–3", "2–3", "4", "5"]
    assert ranks(second, first) == ranks(first, second)


def test_a_subject_that_spaces_place_differently_does_not_tie_those_that_they_agree_about():
    """The first is first in one space and last in the other; of the rest nobody disputes it."""
    assert ranks([1.0, 2.0, 3.0, 4.0], [4.0, 1.0, 2.0, 3.0]) == ["1–4", "1–2", "2–3", "3–4"]


def test_spaces_that_agree_on_nothing_share_one_rank():
    assert ranks([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]) == ["1–3"] * 3
    assert ranks([], []) == []
