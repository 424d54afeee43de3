"""Options: bounds, spelling, files. Whatever a file holds, it gives a Config or a UserError."""

import dataclasses
import json
import math
import os
from pathlib import Path
from typing import Annotated, Literal

import jax
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gen_models.errors import UserError
from gen_models.fields import (
    Between,
    ConfigError,
    Rate,
    from_dict,
    hyperparameters,
    to_dict,
    validate,
)
from gen_models.models import MODELS
from gen_models.runs.recipe import (
    FORMAT,
    MAX_CONFIG_BYTES,
    NOT_IDENTITY,
    VERSION,
    Config,
    RunConfig,
    from_flat,
    read,
    run_name,
    to_flat,
)

FUZZ = settings(
    deadline=None,
    max_examples=int(os.environ.get("GEN_MODELS_FUZZ", "1000")) // 5,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

HUGE = 10**400  # no float holds it
ENDLESS = int("f" * 5000, 16)  # Python refuses to print it


@hyperparameters
class Options:
    units: Annotated[int, Between(1, 100)] = 10
    rate: Annotated[float, Between(0.5, 2)] = 1.0
    decay: Rate | None = None
    kind: Literal["sharp", "blunt"] = "sharp"
    verbose: bool = False
    folder: Path | None = None
    title: str = "title"
    sizes: tuple[Annotated[int, Between(1, 9)], ...] = (1, 2)


def names(cls):
    return {field.name for field in dataclasses.fields(cls)}


# Fields


@pytest.mark.parametrize(
    "values",
    [
        {"units": 1},
        {"units": 100, "rate": 0.5},
        {"rate": 2, "decay": 0.0},
        {"decay": 1, "kind": "blunt", "verbose": True},
        {"folder": "some/where", "title": "Müller’s"},
    ],
)
def test_what_is_within_bounds_comes_back_from_a_round_trip(values):
    config = from_dict(Options, values)
    assert {name: to_dict(config)[name] for name in values} == values
    assert from_dict(Options, to_dict(config)) == config
    assert from_dict(Options, json.loads(json.dumps(to_dict(config)))) == config


def test_fields_left_out_keep_their_defaults():
    assert from_dict(Options, {}) == Options()
    assert from_dict(Options, {"units": 3}) == Options(units=3)


def test_a_whole_number_where_a_float_is_meant_becomes_one():
    config = from_dict(Options, {"rate": 1, "decay": 1})
    assert (type(config.rate), type(config.decay)) == (float, float)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("units", 0, "between 1 and 100"),
        ("units", 101, "between 1 and 100"),
        ("units", 2.0, "a whole number"),
        ("units", True, "a whole number"),
        ("units", "3", "a whole number"),
        ("units", None, "a whole number"),
        ("title", "a\n" * 1000, "a text"),
        ("units", HUGE, "between 1 and 100"),
        ("units", ENDLESS, "between 1 and 100"),
        ("units", -ENDLESS, "between 1 and 100"),
        ("rate", 0.49, "between 0.5 and 2"),
        ("rate", 2.01, "between 0.5 and 2"),
        ("rate", math.nan, "a finite number"),
        ("rate", math.inf, "a finite number"),
        ("rate", True, "a finite number"),
        ("rate", "1", "a finite number"),
        ("rate", 1j, "a finite number"),
        ("rate", HUGE, "number"),
        ("rate", ENDLESS, "number"),
        ("decay", -0.1, "between 0 and 1"),
        ("decay", math.nan, "a finite number"),
        ("decay", False, "a finite number"),
        ("decay", ENDLESS, "number"),
        ("kind", "sharpp", "perhaps you meant 'sharp'"),
        ("kind", "zzz", "known are 'sharp', 'blunt'"),
        ("kind", None, "'sharp'"),
        ("kind", ["sharp"], "'sharp'"),
        ("kind", ENDLESS, "'sharp'"),
        ("verbose", 1, "true or false"),
        ("verbose", "yes", "true or false"),
        ("folder", "a\0b", "a path"),
        ("folder", "a\nb", "a path"),
        ("folder", "a\x1b[2Jb", "a path"),
        ("folder", "a\udc80b", "a path"),
        ("folder", 3, "a path"),
        ("title", "a\tb", "a text"),
        ("title", ["a"], "a text"),
        ("title", [ENDLESS], "a text"),
        ("sizes", 3, "a list"),
        ("sizes", (1, 10), "between 1 and 9"),
    ],
    ids=lambda value: (
        "…" if isinstance(value, int | list) and value not in (0, 1, 3, 101) else None
    ),
)
def test_a_value_that_does_not_fit_is_refused_with_what_was_expected(name, value, expected):
    with pytest.raises(ConfigError) as refusal:
        from_dict(Options, {name: value})
    message = str(refusal.value)
    assert message.startswith(f"{name} is ")
    assert expected in message
    assert len(message) < 300
    assert message.isprintable()


def test_validate_sees_what_a_constructor_let_in():
    validate(Options())
    with pytest.raises(ConfigError, match="units is 0, expected a number between 1 and 100"):
        validate(Options(units=0))


@pytest.mark.parametrize(
    ("wrong", "right"), [("unit", "units"), ("raet", "rate"), ("verbos", "verbose")]
)
def test_a_misspelt_option_gets_the_nearest_right_one(wrong, right):
    with pytest.raises(ConfigError, match=f"{wrong!r}; perhaps you meant {right!r}"):
        from_dict(Options, {wrong: 1})


def test_an_option_like_no_other_gets_them_all():
    with pytest.raises(ConfigError, match=r"'qqqq'; known are 'units', 'rate', .*'title'"):
        from_dict(Options, {"qqqq": 1})
    with pytest.raises(ConfigError, match=r"'qqqq.{,80}…; known are"):
        from_dict(Options, {"q" * 60_000: 1})


def test_real_valued_fields_are_leaves_and_all_others_structure():
    leaves, structure = jax.tree.flatten(Options(decay=0.25))
    assert sorted(leaves) == [0.25, 1.0]
    assert structure == jax.tree.structure(Options(rate=1.5, decay=0.5))
    assert structure != jax.tree.structure(Options(decay=0.25, units=11))
    assert structure != jax.tree.structure(Options(decay=None))


def test_configs_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().units = 3


# Runs


@pytest.mark.parametrize("model", MODELS)
def test_no_option_of_a_run_is_also_one_of_a_model(model):
    assert names(RunConfig).isdisjoint(names(MODELS[model].Config))


@pytest.mark.parametrize("model", MODELS)
def test_defaults_are_valid_and_come_back_from_a_round_trip(model):
    config = from_flat({"model": model})
    assert config.options == MODELS[model].Config()
    assert from_flat(json.loads(json.dumps(to_flat(config)))) == config


def test_options_go_where_they_belong():
    config = from_flat({"model": "vae", "steps": 7, "beta": 2, "out": "here"})
    assert (config.run.steps, config.run.out, config.options.beta) == (7, Path("here"), 2.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": "vea"}, "no model is called 'vea'; perhaps you meant 'vae'"),
        ({"model": None}, "no model is called None; known are 'gan', 'dcgan', 'cgan'"),
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
        from_flat(values)
    assert message in str(refusal.value)


# Names of runs


def named(**options):
    return run_name(from_flat({"dataset": "mnist"} | options))


def test_a_run_of_defaults_is_named_after_data_model_and_seed():
    assert named() == "mnist-cgan-0"
    assert named(model="vae", seed=3) == "mnist-vae-3"
    assert named(learning_rate=1e-3) == named()  # the default, spelt out


def test_any_other_option_marks_the_name_and_another_value_marks_it_otherwise():
    marked = [
        named(),
        named(width=32),
        named(width=16),
        named(batch_size=32),
        named(learning_rate=2e-3),
        named(width=32, batch_size=32),
    ]
    assert len(set(marked)) == len(marked)
    assert all(name.startswith("mnist-cgan-0-") for name in marked[1:])
    assert named(width=32, batch_size=32) == named(batch_size=32, width=32)


def test_the_mark_never_changes():
    assert named(width=32) == "mnist-cgan-0-554b94"  # or runs would no longer be found again


def test_options_that_change_no_result_leave_the_name_alone():
    others = {
        "data_dir": "some/where",
        "steps": 7,
        "checkpoint_every_steps": 3,
        "devices": 2,
        "evaluate_every_steps": 5,
        "keep_checkpoints": 9,
        "out": "else/where",
        "tensorboard": True,
    }
    assert set(others) == set(NOT_IDENTITY)
    assert named(**others) == named()


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
PRESETS = sorted((Path(__file__).parents[1] / "configs").glob("*.py"))


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_each_preset_is_a_run_and_says_the_command_that_makes_it(path):
    values = read(path)
    config = from_flat(values)
    validate(config.run)
    validate(config.options)
    assert {"model", "dataset", "steps"} <= values.keys()
    assert f"python -m experiments.train --config configs/{path.name}\n" in path.read_text()


SAVED = json.dumps(
    {"format": FORMAT, "version": VERSION, "data": {"digest": "ab12"}}
    | to_flat(from_flat({"model": "vae", "steps": 200, "out": "there"})),
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


def test_the_line_of_a_preset_that_is_wrong_is_named(tmp_path):
    with pytest.raises(ConfigError, match="line 2: expected a line `name = literal`"):
        read(written(tmp_path, "preset.py", "steps = 1\nprint(1)\n"))


def test_a_saved_config_comes_back_as_it_was(tmp_path):
    config = from_flat(read(written(tmp_path, "config.json", SAVED)))
    assert config == from_flat({"model": "vae", "steps": 200, "out": "there"})


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
        ('{"version": 2}', "format version 2, this program reads version 1"),
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


def gives_a_config_or_a_user_error(path):
    try:
        config = from_flat(read(path))
    except UserError as error:
        assert str(error)
        return
    assert isinstance(config, Config)
    assert from_flat(to_flat(config)) == config
    assert run_name(config)


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
@pytest.mark.parametrize(("name", "text"), [("preset.py", PRESET), ("config.json", SAVED)])
def test_a_mutated_file_gives_a_config_or_a_user_error(tmp_path, name, text, edits):
    gives_a_config_or_a_user_error(written(tmp_path, name, replaced(text, edits)))


option_names = sorted(names(RunConfig).union(*(names(module.Config) for module in MODELS.values())))
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
def test_any_values_of_options_give_a_config_or_a_user_error(options):
    try:
        config = from_flat(options)
    except UserError as error:
        assert str(error)
        return
    assert from_flat(json.loads(json.dumps(to_flat(config)))) == config
    assert run_name(config) == run_name(from_flat(to_flat(config)))
