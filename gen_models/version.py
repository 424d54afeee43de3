"""The package's version, which pyproject.toml takes from here."""

__version__ = "0.2.0"
