"""The protocol of a measurement. Measures under different protocols are not comparable."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gen_models.errors import UserError

MEASURES_VERSION = 2  # incremented when a change of code changes a measure's value

# Suffixes of the names of measures in each space of features, by the name of the space.
SPACES = {"self-supervised": "", "classifier": "_classifier"}


class ProtocolError(UserError):
    """Measures under different protocols, which must not be compared."""


@dataclass(frozen=True)
class Protocol:
    """Everything except the samples themselves that determines a measure."""

    features: str  # name and digest of the feature net
    data: str  # name of the data set
    reference: str  # split that the samples are compared to
    samples: int  # number of samples
    measures: int = MEASURES_VERSION  # version of the measures' code

    def __str__(self) -> str:
        return (
            f"{self.features}, {self.samples:,} samples against {self.data} {self.reference}, "
            f"measures v{self.measures}"
        )

    def to_dict(self) -> dict[str, Any]:
        """The fields as a dict, ready for JSON."""
        return asdict(self)


def common(protocols: Sequence[tuple[str, Protocol]]) -> Protocol:
    """The protocol shared by one or more (name, protocol). Raises ProtocolError if they differ."""
    if len({protocol for _, protocol in protocols}) > 1:
        lines = "\n".join(f"  {name}: {protocol}" for name, protocol in protocols)
        raise ProtocolError(
            f"these numbers were measured differently, so they cannot be compared:\n{lines}\n"
            "evaluate them again in the same way"
        )
    return protocols[0][1]
