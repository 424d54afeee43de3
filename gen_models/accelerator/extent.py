"""Sizes of the measurements of the report on a card, and helpers that run them in threads."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, NamedTuple, TypeVar

from gen_models.benchmark.rates import Precision
from gen_models.models import MODELS

Figures = dict[str, Any]  # a part's measurements, as JSON
Keep = Callable[[], None]  # writes a part's measurements so far
T, Compiled = TypeVar("T"), TypeVar("Compiled")


def run_side_by_side(
    work: Mapping[Hashable, Callable[[], T]], threads: int, keep: Callable[[Hashable, T], None]
) -> None:
    """Run pieces of work in threads. Calls `keep` with the name and result of each in the calling
    thread. If some fail, the others finish before the first failure is raised."""
    failures = []
    with ThreadPoolExecutor(threads) as pool:
        names = {pool.submit(piece): name for name, piece in work.items()}
        for future in as_completed(names):
            failure = future.exception()
            if failure is None:
                keep(names[future], future.result())
            else:
                failures.append(failure)
    if failures:
        raise failures[0]


def groups(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in groups of `size`, the last of which may be smaller. The items of a group are
    compiled at the same time, then timed."""
    return (items[first : first + size] for first in range(0, len(items), size))


def compile_in_groups(
    items: Sequence[T], compile_one: Callable[[T], Compiled], threads: int
) -> Iterator[tuple[T, Compiled]]:
    """Yields each item with the result of `compile_one`. The items of a group compile in parallel,
    as compilers take most of a short measurement's time; none may compile while one is timed."""
    for group in groups(items, threads):
        with ThreadPoolExecutor(threads) as pool:
            ready = list(pool.map(compile_one, group))
        for item in group:
            yield item, ready.pop(0)  # so that its memory is free after use


class ReportExtent(NamedTuple):
    """Sizes of everything that the parts of the report do."""

    models: tuple[str, ...]  # models compared with the CPU, and timed
    options: dict[str, int]  # options of these models that are not the defaults
    batch_size: int  # images per training step
    compared_steps: int  # training steps after which card and CPU are compared
    images: int  # images that the feature nets describe on card and CPU
    evaluated: bool  # whether runs are evaluated too, which takes a CPU minutes
    repeated: tuple[str, ...]  # models trained twice
    repeated_steps: int  # steps of each of these trainings
    optioned: tuple[str, ...]  # models timed with several options of XLA's compiler
    round_steps: int  # steps of a timed dispatch
    rounds: int  # rounds in which contestants take turns
    rivals: tuple[str, ...]  # models timed beside PyTorch
    precisions: tuple[Precision, ...]  # precisions of the rivals' products, the main one first
    batch_sizes: tuple[int, ...]  # batch sizes at which the first rival is timed
    members: tuple[int, ...]  # sizes of the populations
    job_steps: int  # steps of the training that is timed from its start to its last picture
    board_seeds: int  # seeds of the scoreboard, which is trained in the time left

    @property
    def arguments(self) -> list[str]:
        """Batch size and options as arguments of `train`."""
        values = {"batch_size": self.batch_size, **self.options}
        pairs = [(f"--{name.replace('_', '-')}", str(value)) for name, value in values.items()]
        return [text for pair in pairs for text in pair]


FULL = ReportExtent(
    models=tuple(MODELS),
    options={},
    batch_size=64,
    compared_steps=3,
    images=2000,
    evaluated=True,
    repeated=("cgan", "vae", "vq_vae"),
    repeated_steps=200,
    optioned=("cgan", "vae"),
    round_steps=200,
    rounds=5,
    rivals=("dcgan", "cgan", "vae"),
    precisions=("tensorfloat32", "highest", "bfloat16"),
    batch_sizes=(16, 64, 256, 1024, 4096),
    members=(1, 4, 16, 64, 256, 1024),
    job_steps=5000,
    board_seeds=5,
)

# Takes a CPU a minute: shows that every part runs, and nothing about speed.
SHORT = ReportExtent(
    models=("cgan", "vae"),
    options={"width": 4},
    batch_size=16,
    compared_steps=2,
    images=200,
    evaluated=False,
    repeated=("vae",),
    repeated_steps=4,
    optioned=("vae",),
    round_steps=2,
    rounds=1,
    rivals=("vae",),
    precisions=("highest",),
    batch_sizes=(16,),
    members=(2,),
    job_steps=10,
    board_seeds=0,
)
