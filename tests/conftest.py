"""What several test files share: tiny data, and tiny models on it."""

import contextlib
import gc
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import filelock
import jax
import numpy as np
import pytest
from evaluations import copy_runs, make_runs
from patience import PATIENCE_S
from trainings import QUICKLY, write_folder

from experiments import command
from gen_models.algorithm import Spec
from gen_models.data.catalog import DataError, Dataset, Splits, load_splits
from gen_models.engines.adversarial import Game
from gen_models.evaluation import evaluator, features
from gen_models.evaluation.features import Described, FeatureNet
from gen_models.models import MODELS
from gen_models.storage import compilations
from gen_models.storage.cache import cache_folder

with pytest.MonkeyPatch.context() as environment:
    environment.setenv("XLA_FLAGS", QUICKLY)
    jax.devices()  # reads them
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as behind a shell's &; commands inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
gc.set_threshold(200_000, 20, 100)  # tracing makes many objects and hardly any garbage
os.fsync = lambda _: None  # a tenth of a test's time; no test cuts the power
# Programs are kept from one run of the tests to the next.
jax.config.update("jax_compilation_cache_dir", str(cache_folder("xla-tests")))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)

TINY_OPTIONS = {"width": 4, "latent_size": 3}  # every model has these two


def make_split(seed: int, count: int, size: tuple[int, int] = (8, 8)) -> Dataset:
    """A split of `count` images. Labels 0, 1, 2, 0, …; a bright band whose place is the class's."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int32) % 3
    images = rng.integers(0, 60, (count, *size), dtype=np.uint8)
    for label in range(3):
        images[labels == label, 2 * label : 2 * label + 3] += 190
    digest = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    for array in (images, labels):
        array.flags.writeable = False
    return Dataset("tiny", images, labels, ("zero", "one", "two"), digest)


@pytest.fixture(scope="session")
def real_splits() -> Callable[[str], Splits]:
    """A function that loads a known data set. The test is skipped on a machine without it that
    reaches no source of it."""

    def load(name: str) -> Splits:
        try:
            return load_splits(name)
        except DataError as error:
            pytest.skip(str(error).splitlines()[0])

    return load


MANY_MAPPINGS = 25_000  # of a process; Linux allows 65,530 and a compiled program takes several


@pytest.fixture(autouse=True, scope="module")
def few_mappings():
    """Programs of the tests before are dropped when there are very many: beyond its limit of memory
    mappings a process ends in a segmentation fault."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > MANY_MAPPINGS:
        jax.clear_caches()
        gc.collect()


@pytest.fixture(scope="session")
def tiny() -> Splits:
    """A tiny data set in memory: `tiny.train` of 70 images, `tiny.test` of 20, 8×8, of 3 classes
    told apart by a bright band."""
    return Splits(make_split(0, 70), make_split(1, 20))


@pytest.fixture(scope="session")
def gapped(tiny: Splits) -> Splits:
    """`tiny` with the labels 1, 3 and 4 and five classes, of which 0 and 2 have no images."""
    labels, names = np.array([1, 3, 4], np.int32), ("none", "one", "no", "three", "four")
    return Splits(
        *(
            data._replace(labels=labels[data.labels], class_names=names, digest=data.digest[::-1])
            for data in tiny
        )
    )


@pytest.fixture(scope="session")
def tiny_options() -> dict[str, int]:
    """The options that make any model tiny."""
    return dict(TINY_OPTIONS)


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], Path]]:
    """A function that makes a folder read-only during the test, for root too, and returns it."""
    with contextlib.ExitStack() as undo:

        def make(folder: Path) -> Path:
            if os.geteuid() != 0:
                folder.chmod(0o500)
                undo.callback(folder.chmod, 0o700)
                return folder
            if subprocess.run(["mount", "--bind", "-o", "ro", folder, folder]).returncode:
                pytest.skip("this root may not mount")
            undo.callback(subprocess.run, ["umount", folder], check=True)
            return folder

        yield make


@pytest.fixture
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the user's cache away: its folder cannot be made."""
    (tmp_path / "no-folder").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "no-folder"))


@pytest.fixture
def run_command(monkeypatch, capsys) -> Callable:
    """A function that runs a command's `main` as its program does, in this process: exit code,
    output, errors."""
    monkeypatch.setattr(compilations, "keep", lambda: None)

    def run(main: Callable, *args, spare: Sequence[str] = ()) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["command", *map(str, args)])
        with pytest.raises(SystemExit) as end:
            command.run(main, spare)
        streams = capsys.readouterr()
        return end.value.code, streams.out, streams.err

    return run


@pytest.fixture
def tiny_folder(tmp_path: Path, tiny: Splits) -> Path:
    """A folder called `tiny` with the four IDX files of `tiny`, for `--data-dir`."""
    return write_folder(tmp_path / "tiny", tiny)


@pytest.fixture(scope="session")
def tiny_runs(tmp_path_factory, tiny) -> Path:
    """A folder with `tiny`, its feature net, and runs of three models, to be copied. Made once for
    all processes of pytest-xdist."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, made = shared / "runs", shared / "runs.made"
    with filelock.FileLock(shared / "runs.lock"):
        if not made.exists():
            folder.mkdir()
            make_runs(folder, tiny)
            made.touch()
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory, tiny_runs) -> Iterator[Path]:
    """A working folder with a tiny data set, its feature net, and runs of three models."""
    place = copy_runs(tiny_runs, tmp_path_factory.mktemp("place") / "copy")
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(place):
        patch.setattr(evaluator, "SCORE_STEPS", 20)
        yield place


@pytest.fixture
def random_net(monkeypatch) -> Callable[[str, Splits], FeatureNet]:
    """A function that makes a net for 8×8 images of three classes, of a name. Its features are
    random directions."""
    directions = np.random.default_rng(0).normal(size=(64, 6)) / 1000

    def describe(net, images, labels=None):
        del net
        found = (images.reshape(-1, 64) @ directions).astype(np.float32)
        spaces = {"self-supervised": found, "classifier": found[:, ::2]}
        return Described(spaces, found[:, :3].argmax(axis=1).astype(np.int32), labels)

    def made(name: str, splits: Splits) -> FeatureNet:
        record = {"train": splits.train.digest, "test": splits.test.digest, "mirror": False}
        return FeatureNet(name, None, None, Spec(8, 8, 3), record)

    monkeypatch.setattr(features, "describe", describe)
    return made


@pytest.fixture
def game_of(monkeypatch) -> Callable[..., Game]:
    """A function that gives what a model's file hands to the adversarial engine."""

    def game_of(name: str, config, spec: Spec) -> Game:
        games, engine = [], MODELS[name].adversarial

        def recording(game, spec):
            games.append(game)
            return engine(game, spec)

        with monkeypatch.context() as patch:
            patch.setattr(MODELS[name], "adversarial", recording)
            MODELS[name].build(config, spec)
        return games[0]

    return game_of


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """Chromium; tests that need it are skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=1000 * PATIENCE_S)
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as play:
        # As users have it: with a limit on how often a page may write its address.
        unlimited = ["--disable-ipc-flooding-protection"]
        found = play.chromium.launch(
            executable_path=CHROMIUM, args=root, ignore_default_args=unlimited
        )
        yield found
        found.close()


@pytest.fixture(scope="session")
def violations() -> Callable:
    """A function that names what is seriously inaccessible in a tab."""
    from axe_playwright_python.sync_playwright import Axe

    def found(tab) -> list[str]:
        serious = ("serious", "critical")
        all_ = Axe().run(tab).response["violations"]
        return [one["id"] for one in all_ if one["impact"] in serious]

    return found


@pytest.fixture
def opened(browser, tmp_path) -> Iterator[Callable]:
    """A function that opens the text of a page, with a link, on a screen. At the end nothing may
    have been written to the console, and nothing asked of a network."""
    trouble, contexts = [], []

    def open_(text: str, link: str = "", **screen):
        file = tmp_path / "page.html"
        file.write_text(text)
        context = browser.new_context(**screen)
        context.set_default_timeout(1000 * PATIENCE_S)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: trouble.append(message.text))
        tab.on("pageerror", lambda error: trouble.append(str(error)))
        tab.on("request", lambda one: trouble.append(one.url) if one.url[:5] != "file:" else None)
        tab.goto(f"{file.as_uri()}#{link}")
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert trouble == []
