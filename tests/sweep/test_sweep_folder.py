"""The folder of a sweep or a search."""

import pytest

from gen_models.fields import ConfigError
from gen_models.sweep.folder import claim


def test_a_folder_is_kept_for_what_it_was_made_for(tmp_path):
    for _ in range(2):
        claim(tmp_path / "a", "search", "the command", {"rungs": 2})
    with pytest.raises(ConfigError, match="a is a search with rungs 2, not 3; choose another"):
        claim(tmp_path / "a", "search", "the command", {"rungs": 3})
    with pytest.raises(ConfigError, match="a is the folder of something else; choose another"):
        claim(tmp_path / "a", "sweep", "the command", {"rungs": 2})
