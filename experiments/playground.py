"""Train GANs in a browser: `python -m experiments.playground` serves the page and opens it."""

import threading
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from experiments import command
from gen_models import playground
from gen_models.fields import Between, validate


@dataclass(frozen=True)
class Options:
    """Serve a page in which GANs train, on points and on images, to this machine's browser. It is
    built once, by `make playground`."""

    port: Annotated[int, Between(1, 65535)] = 8000
    """Port of 127.0.0.1, or the next free one if it is taken."""
    no_browser: bool = False
    """Serve the page without opening it."""
    out: Path | None = None
    """Folder to write the page to, for a web host, instead of serving it."""


def main(args: Sequence[str]) -> int:
    """Serve the page until it is interrupted, or write it. Returns the exit code."""
    options = command.parse("playground", Options, args)
    validate(options)
    site = playground.site()
    if options.out is not None:
        paths = playground.write(site, options.out)
        size = sum(path.stat().st_size for path in paths) / 1e6
        print(f"{options.out}: {len(paths)} files, {size:.1f} MB")
        return 0
    with playground.server(site, options.port) as server:
        print(f"the playground is at {playground.address(server)} (Ctrl-C ends it)", flush=True)
        if not options.no_browser:  # in a thread: a browser in the terminal waits for the server
            address = playground.address(server)
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


if __name__ == "__main__":
    command.run(main)
