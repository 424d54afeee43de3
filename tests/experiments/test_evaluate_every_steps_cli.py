"""`--evaluate-every-steps` and what else is measured by `train` and `sweep`."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from evaluations import QUICK, evaluated

from experiments import evaluate, sweep, train
from gen_models import assessment, runs
from gen_models.evaluation import record
from gen_models.evaluation.evaluator import Evaluator
from gen_models.runs import RunError, checkpoint

pytestmark = pytest.mark.usefixtures("place")


def test_training_evaluates_at_its_steps_and_keeps_the_best_state(monkeypatch):
    monkeypatch.setattr(
        assessment, "EvaluationExtent", partial(assessment.EvaluationExtent, samples=40)
    )
    args = ["--data-dir", "tiny", *QUICK[:-1], "6", "--evaluate-every-steps", "2"]
    assert train.main([*args, "--checkpoint-every-steps", "2", "--out", "watched"]) == 0
    run = runs.load(Path("watched"))
    history = run.evaluations()
    assert history["step"] == [2, 4, 6]
    best = history["step"][int(np.argmin(history["fid"]))]
    assert checkpoint.steps(run.best) == [best]
    assert record.read(run.folder / record.NAME).subject["step"] == 6
    evaluation = evaluated("watched", "--best", "--reference", "train")
    assert evaluation.subject["step"] == best
    assert evaluation.measures["fid"].value == pytest.approx(min(history["fid"]), rel=1e-9)


def test_a_resumed_run_has_the_evaluations_of_an_undisturbed_one(monkeypatch):
    monkeypatch.setattr(
        assessment, "EvaluationExtent", partial(assessment.EvaluationExtent, samples=40)
    )
    args = ["--data-dir", "tiny", *QUICK[:-2], "--evaluate-every-steps", "2", "--model", "dcgan"]
    args += ["--checkpoint-every-steps", "3"]
    assert train.main([*args, "--steps", "8", "--out", "whole"]) == 0
    assert train.main([*args, "--steps", "5", "--out", "cut"]) == 0
    newest = Path("cut/checkpoints/step_00000005.safetensors")
    newest.unlink()  # as if it had been killed after the evaluation of step 4
    assert train.main([*args, "--steps", "8", "--out", "cut"]) == 0
    assert runs.load(Path("cut")).evaluations() == runs.load(Path("whole")).evaluations()
    assert checkpoint.steps(Path("cut/best")) == checkpoint.steps(Path("whole/best"))


def test_a_run_that_held_out_the_validation_images_is_measured_against_them():
    args = ["--model", "dcgan", "--data-dir", "tiny", *QUICK, "--hold-out", "--out", "held"]
    assert train.main(args) == 0
    run = runs.load(Path("held"))
    assert run.recipe.identity["hold_out"] is True
    evaluation = evaluated("held", "--reference", "validation")
    assert evaluation.protocol.reference == "validation"
    assert evaluated("held").protocol.reference == "test"
    with pytest.raises(RunError, match="dcgan-0 was trained on the validation images too"):
        evaluate.main(["dcgan-0", "--reference", "validation"])
    with pytest.raises(RunError, match="held was not trained on the images of --reference train"):
        evaluate.main(["held", "--reference", "train"])
    with pytest.raises(RunError, match="hold_out: the run has True, asked for False"):
        train.main([arg for arg in args if arg != "--hold-out"])


def test_training_with_images_held_out_chooses_its_best_state_by_them(monkeypatch):
    monkeypatch.setattr(
        assessment, "EvaluationExtent", partial(assessment.EvaluationExtent, samples=40)
    )
    args = ["--data-dir", "tiny", *QUICK, "--evaluate-every-steps", "2", "--hold-out"]
    assert train.main([*args, "--out", "chosen"]) == 0
    assert record.read(Path("chosen") / record.NAME).protocol.reference == "validation"


@pytest.mark.slow
def test_a_sweep_measures_its_members_as_evaluate_does_with_one_evaluator(monkeypatch):
    default, evaluators, init = assessment.EvaluationExtent, [], Evaluator.__init__
    monkeypatch.setattr(assessment, "EvaluationExtent", partial(default, samples=40, draws=3))
    monkeypatch.setattr(Evaluator, "__init__", lambda *a: evaluators.append(init(*a)))
    args = ["--data-dir", "tiny", "--model", "vae", *QUICK, "--seeds", "2", "--out", "swept"]
    assert sweep.main(args) == 0
    assert len(evaluators) == 1
    monkeypatch.undo()
    for seed in range(2):
        folder = Path("swept") / f"seed={seed}"
        evaluation = record.read(folder / record.NAME)
        assert evaluation.protocol.reference == "validation"
        again = evaluated(str(folder), "--reference", "validation", "--likelihood-images", "1000")
        assert again == evaluation
        assert evaluation.subject["step"] == 4
    assert "FID" in Path("swept/README.md").read_text()
