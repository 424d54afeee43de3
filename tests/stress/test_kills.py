"""A training that is killed again and again ends bit-identical to one that nobody disturbed."""

import os
import random
import signal
import time

from trainings import command, execute, finish, half_written, products, start, write_folder

from gen_models.runs import checkpoint

KILLS = int(os.environ.get("GEN_MODELS_KILLS", "2"))
OPTIONS = {
    "sample_every_steps": 200,
    "checkpoint_every_steps": 10,  # so that much of the time is spent in saves
}
ENDLESS, MORE_STEPS = 10**8, 100  # steps while it is killed, and after the last kill
LONGEST_START_S, MOST_STEPS = 10, 100
POLL_S = 0.001


def lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wait_for_moment(process, run, kind, chance):
    """Wait for a moment of one kind: in the start, some steps on, or in the midst of a save."""
    if kind == "start":
        time.sleep(chance.uniform(0, LONGEST_START_S))
        return
    metrics = run / "metrics.jsonl"
    awaited = lines(metrics) + 1  # the rewound file is shorter: more steps pass, none is missed
    if kind == "training":
        awaited += chance.randrange(MOST_STEPS)
    while process.poll() is None and lines(metrics) < awaited:
        time.sleep(POLL_S)
    if kind == "save":
        while process.poll() is None and not half_written(run / "checkpoints"):
            pass  # a save takes less time than any sleep


def kill_until(run, args, kills, chance):
    """Start `args` and kill it, `kills` times. Returns how many left a file half-written."""
    torn = 0
    for count in range(kills):
        process = start(args)
        try:
            wait_for_moment(process, run, ("save", "training", "start")[count % 3], chance)
            assert process.poll() is None
        finally:
            process.send_signal(signal.SIGKILL)
            code, _, err = finish(process)
        assert (code, err) == (-signal.SIGKILL, "")
        torn += bool(half_written(run))
    return torn


def test_killed_training_equals_the_undisturbed(tmp_path, tiny, record_property):
    data = write_folder(tmp_path / "tiny", tiny)
    whole, killed = tmp_path / "whole" / "run", tmp_path / "killed" / "run"
    args = command(data, killed, **OPTIONS, steps=ENDLESS)
    torn = kill_until(killed, args, KILLS, random.Random(4))
    reached = max(checkpoint.steps(killed / "checkpoints"), default=0)

    # However fast the machine is, both come to the step that the kills have left as the last one.
    for run in (killed, whole):
        args = command(data, run, **OPTIONS, steps=reached + MORE_STEPS)
        code, _, err = execute(args)
        assert (code, err) == (0, "")
    assert half_written(killed) == []
    assert products(killed) == products(whole)
    record_property("kills", KILLS)
    record_property("kills that left a half-written file", torn)
    record_property("newest checkpoint after the last kill", reached)
    record_property("steps in all", reached + MORE_STEPS)
    record_property("files compared, byte by byte", len(products(whole)))
