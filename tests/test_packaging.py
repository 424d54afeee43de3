"""What `pip install` takes, beside what `make` installs."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import gen_models

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(name):
    """Package -> pinned version, of a requirements file."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    found = [Requirement(line) for line in lines if line and not line.startswith("-r")]
    return {each.name.lower(): next(iter(each.specifier)).version for each in found}


@pytest.mark.parametrize("line", PROJECT["dependencies"])
def test_pinned_version_of_a_dependency_is_in_its_range(line):
    wanted = Requirement(line)
    assert wanted.specifier.contains(pins("requirements.txt")[wanted.name.lower()])


@pytest.mark.parametrize("line", PROJECT["optional-dependencies"]["tensorboard"])
def test_pinned_version_of_tensorboard_is_in_its_range(line):
    wanted = Requirement(line)
    assert wanted.specifier.contains(pins("requirements.txt")[wanted.name.lower()])


@pytest.mark.parametrize("line", PROJECT["optional-dependencies"]["analysis"])
def test_pinned_version_of_the_analysis_extra_is_in_its_range(line):
    wanted = Requirement(line)
    both = pins("requirements.txt") | pins("requirements-dev.txt")
    assert wanted.specifier.contains(both[wanted.name.lower()])


def test_requirements_pin_every_package_exactly():
    for name in ("requirements.txt", "requirements-dev.txt"):
        assert all(pins(name).values())


def test_every_name_of_the_face_can_be_imported():
    for name in gen_models.__all__:
        assert getattr(gen_models, name) is not None
        assert name in dir(gen_models)


def test_an_unknown_name_of_the_face_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        _ = gen_models.lode
