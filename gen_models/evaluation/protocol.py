"""What a number was measured with. Numbers of different protocols are not comparable."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gen_models.errors import UserError

MEASURES_VERSION = 1  # raised whenever the code of a measure changes what it gives


class ProtocolError(UserError):
    """Numbers that must not stand in one column."""


@dataclass(frozen=True)
class Protocol:
    """Everything besides the samples that decides a number."""

    features: str
    """Name and digest of the feature net."""
    data: str
    """Name of the data set."""
    reference: str
    """Split that the samples are compared to."""
    samples: int
    """How many samples."""
    measures: int = MEASURES_VERSION
    """Version of the measures' code."""

    def __str__(self) -> str:
        return (
            f"{self.features}, {self.samples:,} samples against {self.data} {self.reference}, "
            f"measures v{self.measures}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def common(protocols: Sequence[tuple[str, Protocol]]) -> Protocol:
    """The one protocol of one or more (name, protocol). Raises ProtocolError if they differ."""
    if len({protocol for _, protocol in protocols}) > 1:
        lines = "\n".join(f"  {name}: {protocol}" for name, protocol in protocols)
        raise ProtocolError(
            f"these numbers were measured differently, so they cannot be compared:\n{lines}\n"
            "evaluate them again in the same way"
        )
    return protocols[0][1]
