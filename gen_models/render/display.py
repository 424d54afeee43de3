"""A console with a progress bar on it, for all that takes a while."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TextIO

from rich.console import Console
from rich.progress import Progress, ProgressColumn


class TolerantStream:
    """A text stream that ignores all writes after a failed one, so that a computation survives a
    closed terminal, a closed pipe and a full disk."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.failed = stream, False

    def write(self, text: str) -> None:
        self._attempt(self.stream.write, text)

    def flush(self) -> None:
        self._attempt(self.stream.flush)

    def _attempt(self, call: Callable[..., Any], *args: str) -> None:
        if not self.failed:
            try:
                call(*args)
            except OSError:
                self.failed = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class Display:
    """A progress bar of these columns on a terminal, shown within a `with` block, and lines of text
    above it. On a stream that is no terminal there are only the lines."""

    def __init__(self, stream: TextIO, *columns: ProgressColumn, transient: bool = False) -> None:
        self.console = Console(file=TolerantStream(stream), highlight=False)
        self.progress = Progress(
            *columns,
            console=self.console,
            disable=not self.console.is_terminal,
            transient=transient,
        )

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self.console.print(line, markup=False, soft_wrap=True)
