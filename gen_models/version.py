"""The package's version, which pyproject.toml takes from here."""

__version__ = "0.2.0"

OF_0_1 = (
    "of gen_models 0.1, whose models have other nets: use gen_models 0.1 for it, or train the "
    "model again"
)
