"""Results of runs that nobody trained."""

from gen_models.evaluation.measure import Score
from gen_models.evaluation.protocol import Protocol
from gen_models.evaluation.record import Evaluation
from gen_models.scoreboard.results import Cell, RunResult

PROTOCOL = Protocol("net-0a1b2c3d", "tiny", "test", 100)


def evaluation(seed, fid, model="gan", **likelihood):
    """Of the run of a model on "tiny", 9 steps long."""
    bounds = {name: {"value": value, "error": 1.0} for name, value in likelihood.items()}
    if bounds:
        bounds |= {"images": 50, "draws": 7, "observation": "Bernoulli"}
    subject = {"name": f"run-{seed}", "dataset": "tiny", "model": model, "seed": seed, "step": 9}
    score = Score(fid, error=0.1, floor=0.5, floor_error=None)
    measures = {"fid": score, "fid_classifier": score._replace(value=fid / 10), "class_gap": score}
    return Evaluation(subject, PROTOCOL, measures, bounds, {})


def results_of(*evaluations, seconds=90.0, machine="the machine"):
    """As the scoreboard holds them, by their cells."""
    return {
        Cell("tiny", e.subject["model"], e.subject["seed"], 9): RunResult(
            {"width": 4}, e, seconds, machine, "abc123"
        )
        for e in evaluations
    }
