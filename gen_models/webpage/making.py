"""A page as one HTML file: JavaScript modules, style and contents."""

import html
import json
import re
from pathlib import Path
from typing import Any

SHARED = Path(__file__).parent  # frame and style of all pages
IMPORT = re.compile(r'^import (\{[^}]*\}) from "(\.[\w./]+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:const|function|class) (\w+))", re.MULTILINE)


def page(title: str, about: str, contents: dict[str, Any], folder: Path) -> str:
    """Text of the HTML file, to be encoded as UTF-8. It opens from disk and needs no network.

    `folder` holds the page's own body.html, main.js and style.css.
    """
    parts = {
        "title": html.escape(title),
        "about": html.escape(about),
        "style": "".join((place / "style.css").read_text() for place in (SHARED, folder)),
        "body": (folder / "body.html").read_text(),
        "script": bundle(folder / "main.js"),
        # Escaped, so that nothing in it is read as HTML.
        "contents": json.dumps(contents, separators=(",", ":")).replace("<", "\\u003c"),
    }
    frame = (SHARED / "frame.html").read_text()
    return re.sub(rf"\{{({'|'.join(parts)})\}}", lambda match: parts[match[1]], frame)


def bundle(path: Path) -> str:
    """A module and all that it imports as one script, each module in a scope of its own. Modules
    are identified by file name, without the folder."""
    scripts: dict[str, str] = {}

    def add(path: Path) -> None:
        if path.stem in scripts:
            return
        text = path.read_text()
        for match in IMPORT.finditer(text):
            add(path.parent / f"{match[2]}.js")
        exports = ", ".join(match[1] for match in EXPORT.finditer(text))
        body = EXPORT.sub("", IMPORT.sub(_binding, text))
        scripts[path.stem] = (
            f"const ${path.stem} = (() => {{\n{body}return {{ {exports} }};\n}})();\n"
        )

    add(path)
    return "\n".join(scripts.values())


def _binding(match: re.Match[str]) -> str:
    """Replacement of an import statement: takes the names from the module's scope."""
    return f"const {match[1]} = ${Path(match[2]).name};\n"
