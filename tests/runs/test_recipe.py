"""A run's recipe: options, identity, name, files. Any file gives a Recipe or a UserError."""

import dataclasses
import json
import os
from pathlib import Path
from typing import get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trainings import ROOT

from gen_models.errors import UserError
from gen_models.fields import ConfigError, Logistics, validate
from gen_models.models import MODELS, _gans
from gen_models.runs.recipe import FORMAT, MAX_CONFIG_BYTES, VERSION, Recipe, RunOptions, read, rows

FUZZ = settings(
    deadline=None,
    max_examples=int(os.environ.get("GEN_MODELS_FUZZ", "1000")) // 5,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

HUGE = 10**400  # no float holds it
ENDLESS = int("f" * 5000, 16)  # Python refuses to print it


def names(cls):
    return {field.name for field in dataclasses.fields(cls)}


# Options


@pytest.mark.parametrize("model", MODELS)
def test_no_option_of_a_run_is_also_one_of_a_model(model):
    assert names(RunOptions).isdisjoint(names(MODELS[model].Config))


@pytest.mark.parametrize("model", MODELS)
def test_defaults_are_valid_and_come_back_from_a_round_trip(model):
    recipe = Recipe.from_flat({"model": model})
    assert recipe.config == MODELS[model].Config()
    assert Recipe.from_flat(json.loads(json.dumps(recipe.to_flat()))) == recipe


def test_from_flat_parts_the_options_of_the_run_from_those_of_its_model():
    recipe = Recipe.from_flat({"model": "vae", "steps": 7, "beta": 2, "out": "here"})
    assert (recipe.options.steps, recipe.options.out, recipe.config.beta) == (7, Path("here"), 2.0)


def test_with_options_changes_those_of_the_run_alone():
    recipe = Recipe.from_flat({"model": "vae", "steps": 7, "beta": 2})
    changed = recipe.with_options(steps=8, out=Path("there"))
    assert changed == Recipe.from_flat({"model": "vae", "steps": 8, "beta": 2, "out": "there"})
    assert changed.config is recipe.config
    assert recipe == Recipe.from_flat({"model": "vae", "steps": 7, "beta": 2})
    assert recipe.with_options() == recipe


@pytest.mark.parametrize("name", ["step", "beta"])
def test_with_options_refuses_what_is_no_option_of_the_run(name):
    with pytest.raises(TypeError, match=name):
        Recipe.from_flat({"model": "vae"}).with_options(**{name: 1})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": "vea"}, "no model is called 'vea'; perhaps you meant 'vae'"),
        ({"model": None}, "no model is called None; known are 'acgan', 'began', 'cgan'"),
        ({"model": ["vae"]}, "no model is called"),
        ({"model": ENDLESS}, "no model is called"),
        ({"model": "dcgan", "beta": 1.0}, "no option is called 'beta'; perhaps you meant 'beta2'"),
        ({"batchsize": 64}, "perhaps you meant 'batch_size'"),
        ({"steps": 0}, "steps is 0"),
        ({"steps": True}, "steps is True"),
        ({"seed": 2**31}, "seed is 2147483648"),
        ({"batch_size": 1}, "between 2 and 65536"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"compute_dtype": "float23"}, "perhaps you meant 'float32'"),
        ({"out": "a\0b"}, "out is "),
    ],
    ids=[str(index) for index in range(13)],
)
def test_wrong_options_of_a_run_are_refused(values, message):
    with pytest.raises(ConfigError) as refusal:
        Recipe.from_flat(values)
    assert message in str(refusal.value)


# Identity and name


LOGISTICS = {
    "data_dir": "some/where",
    "steps": 7,
    "checkpoint_every_steps": 3,
    "devices": 2,
    "evaluate_every_steps": 5,
    "keep_checkpoints": 9,
    "out": "else/where",
    "tensorboard": True,
}


def test_the_options_marked_logistics_are_these():
    hints = get_type_hints(RunOptions, include_extras=True)
    marks = {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items()}
    marked = {
        name for name, markers in marks.items() if any(isinstance(m, Logistics) for m in markers)
    }
    assert marked == set(LOGISTICS)


@pytest.mark.parametrize("model", MODELS)
def test_identity_leaves_out_the_options_marked_logistics_and_no_other(model):
    recipe = Recipe.from_flat({"model": model, "dataset": "mnist", "seed": 3})
    flat = recipe.to_flat()
    assert recipe.identity == {name: flat[name] for name in flat if name not in LOGISTICS}
    assert recipe.identity.keys() == flat.keys() - LOGISTICS.keys()


@pytest.mark.parametrize("name", LOGISTICS)
def test_a_logistic_option_changes_neither_identity_nor_name(name):
    default = Recipe.from_flat({"dataset": "mnist"})
    changed = Recipe.from_flat({"dataset": "mnist", name: LOGISTICS[name]})
    assert changed != default
    assert (changed.identity, changed.name) == (default.identity, default.name)


def named(**options):
    return Recipe.from_flat({"dataset": "mnist"} | options).name


def test_a_run_of_defaults_is_named_after_data_model_and_seed():
    assert named() == "mnist-cgan-0"
    assert named(model="vae", seed=3) == "mnist-vae-3"
    assert named(learning_rate=5e-4) == named()  # the default, spelt out


def test_any_other_option_marks_the_name_and_another_value_marks_it_otherwise():
    marked = [
        named(),
        named(width=24),
        named(width=16),
        named(batch_size=32),
        named(learning_rate=2e-3),
        named(width=24, batch_size=32),
    ]
    assert len(set(marked)) == len(marked)
    assert all(name.startswith("mnist-cgan-0-") for name in marked[1:])
    assert named(width=24, batch_size=32) == named(batch_size=32, width=24)


def test_the_mark_in_a_name_is_the_same_in_every_version():
    assert named(width=24) == "mnist-cgan-0-4aca5e"  # or runs would no longer be found again


def test_options_that_change_no_result_leave_the_name_alone():
    assert named(**LOGISTICS) == named()


# Files

PRESET = '''"""A preset.

    python -m experiments.train --config configs/this.py
"""

model = "vae"
steps = 200  # short
learning_rate = 1e-3
ema_decay = None
tensorboard = False
'''
PRESET_VALUES = {
    "model": "vae",
    "steps": 200,
    "learning_rate": 1e-3,
    "ema_decay": None,
    "tensorboard": False,
}
TABLE = '''"""Presets that differ from one recipe.

    python -m experiments.train --config configs/this.py:short
"""

common = {"model": "vae", "dataset": "mnist", "steps": 200}

# A comment on a row.
short = {"steps": 100}
wide = {"width": 128, "learning_rate": 1e-3}
'''
COMMON_VALUES = {"model": "vae", "dataset": "mnist", "steps": 200}
TABLE_VALUES = {
    "short": COMMON_VALUES | {"steps": 100},
    "wide": COMMON_VALUES | {"width": 128, "learning_rate": 1e-3},
}


def place(path, row):
    """FILE.py:ROW, or the file alone."""
    return path if row is None else path.with_name(f"{path.name}:{row}")


def kept_presets() -> list[Path]:
    """Every preset in configs/, a table's rows one by one, as --config takes them."""
    sources = []
    for path in sorted((ROOT / "configs").glob("*.py")):
        sources += rows(path) or [path]
    return sources


PRESETS = kept_presets()


@pytest.mark.parametrize("preset", [path for path in PRESETS if ":" in str(path)])
def test_a_row_of_a_table_says_what_our_searches_found_otherwise(preset):
    """Our defaults would be another setting than theirs."""
    config, given = MODELS[read(preset)["model"]].Config(), read(preset).keys()
    if isinstance(config, _gans.Config):
        assert {"learning_rate", "disc_learning_rate"} <= given
        base = vars(_gans.Penalised())
        changed = {name for name, value in vars(config).items() if base.get(name, value) != value}
        assert changed & {"beta1", "ema_decay", "penalty"} <= given
        assert {"margin", "pull_away", "gamma", "balance_rate"} & vars(config).keys() <= given


def test_presets_are_found():
    assert {path.name for path in PRESETS} > {"quick.py", "lucic2018.py:wgan"}


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.name.replace(".py", ""))
def test_each_preset_is_a_run_and_says_the_command_that_makes_it(path):
    values = read(path)
    recipe = Recipe.from_flat(values)
    validate(recipe.options)
    validate(recipe.config)
    assert {"model", "dataset", "steps"} <= values.keys()
    file = path.with_name(path.name.partition(":")[0])
    rows = [other.name for other in PRESETS if other.name.startswith(file.name)]
    command = "python -m experiments.train --config configs/"
    assert any(f"{command}{row}\n" in file.read_text() for row in rows)


SAVED = json.dumps(
    {"format": FORMAT, "version": VERSION, "data": {"digest": "ab12"}}
    | Recipe.from_flat({"model": "vae", "steps": 200, "out": "there"}).to_flat(),
    indent=2,
)


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_preset_is_a_docstring_and_literals(tmp_path):
    assert read(written(tmp_path, "preset.py", PRESET)) == PRESET_VALUES
    assert read(written(tmp_path, "bare.py", "steps = -3\n")) == {"steps": -3}
    assert read(written(tmp_path, "empty.py", "")) == {}


@pytest.mark.parametrize(
    "line",
    [
        "open({path!r}, 'w')",
        "steps = open({path!r}, 'w')",
        "steps = [open({path!r}, 'w') for _ in 'a']",
        "steps: int = open({path!r}, 'w')",
        "import os",
        "steps += 1",
        "steps = seed = 1",
        "steps, seed = 1, 2",
        "run.steps = 1",
        "steps = width",
        "steps = 2 ** 9",
        "title = f'{{1}}'",
        "if True: steps = 1",
        "def steps(): pass",
        "steps =",
        "steps = {{[1]: 2}}",
        "steps = {{[1]}}",
        "steps = " + "(" * 1000,
        "steps = " + "-" * 20000 + "1",
        "steps = " + "9" * 5000,
        "\0",
    ],
    ids=[str(index) for index in range(21)],
)
def test_a_preset_that_is_more_than_literals_is_refused_and_never_run(tmp_path, line):
    trace = tmp_path / "trace"
    path = written(tmp_path, "preset.py", '"""Doc."""\n' + line.format(path=str(trace)) + "\n")
    with pytest.raises(ConfigError, match=r"preset\.py: not a config file"):
        read(path)
    assert not trace.exists()


@pytest.mark.parametrize("row", TABLE_VALUES)
def test_a_row_of_a_table_is_what_is_common_with_the_rows_own_values_over_it(tmp_path, row):
    assert read(place(written(tmp_path, "table.py", TABLE), row)) == TABLE_VALUES[row]


def test_a_table_needs_nothing_common(tmp_path):
    path = written(tmp_path, "table.py", 'one = {"steps": 1}\ntwo = {}\n')
    assert (read(place(path, "one")), read(place(path, "two"))) == ({"steps": 1}, {})


@pytest.mark.parametrize(
    ("text", "row", "message"),
    [
        (TABLE, None, "is a table of presets; add one of :short, :wide"),
        (TABLE, "", "has no row ''; add one of :short, :wide"),
        (TABLE, "shrot", "has no row 'shrot'; add one of :short, :wide"),
        (TABLE, "common", "has no row 'common'; add one of :short, :wide"),
        (PRESET, "short", "is one preset, not a table of them; leave out ':short'"),
        ("", "short", "is one preset, not a table of them; leave out ':short'"),
        (TABLE + "seed = 1\n", "short", "seed is no dict, as rows and `common` of a table are"),
        ("common = 3\n" + 'one = {"steps": 1}\n', "one", "common is no dict, as rows and"),
    ],
    ids=[
        "row missing",
        "row empty",
        "row unknown",
        "row common",
        "row of a preset",
        "row of an empty file",
        "value beside the rows",
        "common no dict",
    ],
)
def test_a_row_that_cannot_be_told_is_refused_with_those_there_are(tmp_path, text, row, message):
    path = written(tmp_path, "table.py", text)
    with pytest.raises(ConfigError) as refusal:
        read(place(path, row))
    assert str(path) in str(refusal.value)
    assert message in str(refusal.value)


def test_an_option_misspelt_in_a_table_is_refused_with_the_nearest(tmp_path):
    path = written(tmp_path, "table.py", 'common = {"stesp": 1}\none = {"seed": 1}\n')
    with pytest.raises(ConfigError, match="'stesp'; perhaps you meant 'steps'"):
        Recipe.from_flat(read(place(path, "one")))


def test_the_line_of_a_preset_that_is_wrong_is_named(tmp_path):
    with pytest.raises(ConfigError, match="line 2: expected a line `name = literal`"):
        read(written(tmp_path, "preset.py", "steps = 1\nprint(1)\n"))


def test_a_saved_config_comes_back_as_it_was(tmp_path):
    recipe = Recipe.from_flat(read(written(tmp_path, "config.json", SAVED)))
    assert recipe == Recipe.from_flat({"model": "vae", "steps": 200, "out": "there"})


def test_what_a_run_did_not_record_is_as_before_it_was_an_option(tmp_path):
    """And not today's default, with which it would be another run."""
    recorded = {"format": FORMAT, "version": VERSION, "model": "cgan"}
    by_a_run = read(written(tmp_path, "config.json", json.dumps(recorded)))
    assert by_a_run["penalty"] is None
    other = read(written(tmp_path, "config.json", json.dumps(recorded | {"model": "dragan"})))
    assert "penalty" not in other  # which it always had
    by_hand = read(written(tmp_path, "by_hand.json", json.dumps({"model": "cgan"})))
    assert by_hand == {"model": "cgan"}


@pytest.mark.parametrize("version", [1, 2])
def test_a_config_of_an_earlier_version_is_refused_with_the_one_that_reads_it(tmp_path, version):
    old = written(
        tmp_path, "config.json", SAVED.replace(f'"version": {VERSION}', f'"version": {version}')
    )
    with pytest.raises(
        ConfigError, match=f"version {version}, of gen_models 0.1.*use gen_models 0.1"
    ):
        read(old)


def test_a_runs_folder_is_its_config(tmp_path):
    path = written(tmp_path, "config.json", SAVED)
    assert read(tmp_path) == read(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "Expecting value"),
        ("[1]", "expected a JSON object"),
        ('{"format": "gen_models.other"}', f'"format": "{FORMAT}"'),
        ('{"format": ["gen_models.run"]}', f'"format": "{FORMAT}"'),
        ('{"version": 9}', "format version 9, this program reads version 3"),
        ('{"version": "1"}', "format version '1'"),
        ('{"steps": 1', "delimiter"),
        ('{"steps": ' + "9" * 5000 + "}", "not a config file"),
        ("[" * 50_000, "not a config file"),
        (b"\xff\xfe{}", "not a config file"),
        ("{}" + " " * MAX_CONFIG_BYTES, "too long for a config"),
    ],
    ids=[str(index) for index in range(11)],
)
def test_a_damaged_config_is_refused_by_name(tmp_path, content, message):
    path = written(tmp_path, "config.json", content)
    with pytest.raises(ConfigError) as refusal:
        read(path)
    assert str(path) in str(refusal.value)
    assert message in str(refusal.value)


@pytest.mark.parametrize("name", ["missing.json", "x" * 5000, "file/inside"])
def test_a_path_that_leads_nowhere_is_refused(tmp_path, name):
    written(tmp_path, "file", "")
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / name)


def gives_a_recipe_or_a_user_error(path):
    try:
        recipe = Recipe.from_flat(read(path))
    except UserError as error:
        assert str(error)
        return
    assert isinstance(recipe, Recipe)
    assert Recipe.from_flat(recipe.to_flat()) == recipe
    assert recipe.name


def replaced(text, edits):
    """`text` with some stretches of it replaced by other bytes."""
    raw = bytearray(text.encode())
    for position, length, piece in edits:
        at = position % (len(raw) + 1)
        raw[at : at + length] = piece
    return bytes(raw)


pieces = st.binary(max_size=6) | st.sampled_from(
    [
        b"{",
        b"[",
        b"(",
        b'"',
        b"-",
        b"=",
        b"\n",
        b"1e999",
        b"NaN",
        b"0x" + b"f" * 4000,
        b"null",
        b",",
    ]
)
edits = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(0, 30), pieces), min_size=1, max_size=4
)


@FUZZ
@given(edits)
@pytest.mark.filterwarnings("ignore")  # Python's own, of odd escapes and the like
@pytest.mark.parametrize(
    ("name", "row", "text"),
    [
        ("preset.py", None, PRESET),
        ("table.py", "short", TABLE),
        ("config.json", None, SAVED),
    ],
    ids=["preset", "table", "config"],
)
def test_a_mutated_file_gives_a_recipe_or_a_user_error(tmp_path, name, row, text, edits):
    gives_a_recipe_or_a_user_error(place(written(tmp_path, name, replaced(text, edits)), row))


option_names = sorted(
    names(RunOptions).union(*(names(module.Config) for module in MODELS.values()))
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([HUGE, -HUGE, *MODELS, "float32", "mnist", 0, 1, 64, 0.5])
    | st.floats()
    | st.text(st.characters(), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@FUZZ
@given(st.dictionaries(st.sampled_from(option_names), values, max_size=4))
def test_any_values_of_options_give_a_recipe_or_a_user_error(options):
    try:
        recipe = Recipe.from_flat(options)
    except UserError as error:
        assert str(error)
        return
    assert Recipe.from_flat(json.loads(json.dumps(recipe.to_flat()))) == recipe
    assert recipe.name == Recipe.from_flat(recipe.to_flat()).name
