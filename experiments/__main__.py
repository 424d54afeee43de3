"""List the commands: `python -m experiments`."""

import ast
import re
import sys
from collections.abc import Sequence
from pathlib import Path


def summaries() -> dict[str, str]:
    """What each command does, by its name: the start of its module's docstring, up to the example.
    No command is imported."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        about = ast.get_docstring(ast.parse(path.read_text())) or ""
        if example := re.search(rf":\s`python\s-m\sexperiments\.{path.stem}\b", about):
            found[path.stem] = " ".join(about[: example.start()].split())
    return found


def main(args: Sequence[str]) -> int:
    """Print a line for each command. Returns the exit code, that of an error if `args` ask for
    more."""
    commands, is_asked = summaries(), set(args) <= {"-h", "--help"}
    width = max(map(len, commands))
    lines = ["Commands, each started as `python -m experiments.NAME`; --help lists its options:\n"]
    lines += [f"  {name:{width}}  {summary}" for name, summary in commands.items()]
    print(*lines, sep="\n", file=sys.stdout if is_asked else sys.stderr)
    return 0 if is_asked else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
