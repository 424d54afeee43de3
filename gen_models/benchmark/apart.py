"""A contestant in a process of its own, so that two libraries share neither threads nor memory."""

import contextlib
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection

from gen_models.benchmark.rounds import Timed
from gen_models.errors import UserError

SPAWN = get_context("spawn")
LAST_S = 10  # until a process that was told to end is killed
ROUND_S = 120  # within which a contestant must have done its work


class ContestantProcess:
    """A contestant that is made and run by another process, which starts at once, beside this one.
    A context manager: the process ends with the block."""

    def __init__(self, make: Callable[..., Timed], *arguments: object) -> None:
        """The other process calls `make(*arguments)`; `make` and `arguments` must be picklable."""
        self._pipe, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def start(self, limit_s: float) -> None:
        """Wait until the contestant has run once and so is compiled. Raises UserError with its
        error if it failed, or if it is not ready after `limit_s`."""
        self._receive(limit_s)

    def __call__(self) -> float:
        """Returns seconds per unit of work. Raises UserError if it fails or takes too long."""
        with contextlib.suppress(ConnectionError):  # `_receive` finds out why it has ended
            self._pipe.send(None)
        return self._receive(ROUND_S)

    def _receive(self, limit_s: float) -> float:
        try:
            if not self._pipe.poll(max(limit_s, 0)):
                raise UserError(f"no answer within {limit_s:.0f} s")
            answer = self._pipe.recv()
        except (EOFError, ConnectionError):
            self._process.join(LAST_S)
            code = self._process.exitcode
            raise UserError(f"its process has ended with code {code}") from None
        if isinstance(answer, str):
            raise UserError(answer)
        return answer

    def __enter__(self) -> "ContestantProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.terminate()
        self._process.join(LAST_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(pipe: Connection, make: Callable[..., Timed], arguments: tuple[object, ...]) -> None:
    """Run the contestant once, then at each request. Answers with its seconds per unit of work, or
    with its error message."""
    try:
        run = make(*arguments)
        while True:
            pipe.send(run())
            pipe.recv()
    except (EOFError, ConnectionError):  # nobody asks any more
        return
    except UserError as error:
        pipe.send(str(error))
    except Exception as error:  # compilers fail in many ways; the other contestants go on
        pipe.send(f"{type(error).__name__}: {str(error).partition(chr(10))[0]:.200}")
