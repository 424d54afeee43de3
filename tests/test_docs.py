"""What README and docs say can be typed, followed and found."""

import importlib
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from trainings import OPTIONS

from experiments import command
from experiments.__main__ import main as listing
from experiments.__main__ import summaries
from gen_models import trained

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "results" / "README.md"]
COMMAND = re.compile(r"^(?:[A-Z_]+=\S+ )*python -m experiments\.(\w+)(.*)$", re.MULTILINE)
# Words that stand for something else, such as RUN, and runs and a model that are not there.
ABSENT = re.compile(r"\b[A-Z][A-Z_]+\b|…|\.\.\.|--resume|config\.json|bgan|--help")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]*)(#[^)\s]*)?\)|!\[[^\]]*\]\(([^)\s]*)\)")


def documented():
    """Each command line of the pages' code blocks, once: its name and its arguments."""
    found = {}
    for page in PAGES:
        blocks = re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)
        for block in blocks:
            for name, rest in COMMAND.findall(block.replace("\\\n", " ")):
                words = tuple(shlex.split(rest, comments=True))
                if not ABSENT.search(" ".join(words)):
                    found[f"{name} {' '.join(words)}"] = (name, words)
    return found


class ParsedError(Exception):
    """The options of a command were understood."""


@pytest.mark.parametrize(("name", "words"), documented().values(), ids=documented())
def test_a_documented_command_has_the_options_that_are_shown(name, words, monkeypatch):
    def parse(*given, **options):
        understood(*given, **options)
        raise ParsedError

    understood = command.parse
    monkeypatch.setattr(command, "parse", parse)
    monkeypatch.chdir(ROOT)
    with pytest.raises(ParsedError):
        importlib.import_module(f"experiments.{name}").main(list(words))


def test_all_commands_are_listed_and_documented():
    commands = {
        path.stem
        for path in (ROOT / "experiments").glob("*.py")
        if "command.run(" in path.read_text()
    }
    text = "".join(page.read_text() for page in PAGES)
    assert commands == set(summaries())
    assert listing([]) == listing(["--help"]) == 0
    assert listing(["train", "--steps", "5"]) == 2  # a space for the point
    assert {name for name in commands if f"experiments.{name}" not in text} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target, anchor, picture in LINK.findall(page.read_text()):
        if (target or picture).startswith("http"):
            continue
        path = (page.parent / (target or picture)).resolve() if target or picture else page
        assert path.exists(), f"{page.name}: {target or picture}"
        if anchor:
            assert anchor[1:] in anchors(path), f"{page.name}: {target}{anchor}"


def anchors(page):
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    kept = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in kept}


def test_the_table_of_the_readme_is_the_boards():
    board = board_cells((ROOT / "results" / "README.md").read_text())
    rows = re.findall(r"^\| `(\w+)`.*?\| (.+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(rows) == 4
    for model, cells in rows:
        fid, fid_classifier, precision, recall, coverage = cells.split(" | ")
        first, second = board[model]
        shown = (fid, precision, recall, coverage, fid_classifier)
        wanted = (first[0], first[3], first[4], first[6], second[0])
        for cell, text in zip(shown, wanted, strict=True):
            assert cell in (text, text.partition(" (")[0]), model


def board_cells(text):
    """Cells of the first data set's two tables of measures by model, after its number of seeds."""
    first_data_set = text.split("\n## ")[1]
    tables = [part for part in first_data_set.split("\n### ") if part.count("| rank |")]
    row = re.compile(r"^\| [\d–]+ \| `(\w+)` \| \d \| (.+) \|$", re.MULTILINE)
    spaces = [dict(row.findall(table)) for table in tables]
    return {model: [space[model].split(" | ") for space in spaces] for model in spaces[0]}


def test_the_example_of_images_of_your_own_runs(tmp_path, monkeypatch, tiny):
    page = (ROOT / "docs" / "from_python.md").read_text().partition("## Images of your own")[2]
    code = page.partition("```python\n")[2].partition("```")[0]
    arrays = {"images": tiny.train.images, "labels": tiny.train.labels}
    arrays |= {"test_images": tiny.test.images, "test_labels": tiny.test.labels}
    np.savez(tmp_path / "mine.npz", **arrays)
    monkeypatch.chdir(tmp_path)
    small = {name: value for name, value in OPTIONS.items() if name != "model"} | {"steps": 2}
    train, names = trained.train, {}
    monkeypatch.setattr(trained, "train", lambda **given: train(**given | small))
    exec(code, names)
    assert names["cgan"].recipe.options.dataset == "my_images"
    assert int(names["cgan"].state.step) == 2
