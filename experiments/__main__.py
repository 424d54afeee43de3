"""List the commands: `python -m experiments`."""

import ast
import re
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


def main() -> None:
    """Print a line for each command."""
    commands = summaries()
    width = max(map(len, commands))
    print("Commands, each started as `python -m experiments.NAME`; --help lists its options:\n")
    for name, summary in commands.items():
        print(f"  {name:{width}}  {summary}")


if __name__ == "__main__":
    main()
