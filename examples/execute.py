"""Execute the notebooks here and write them back with their outputs: `make notebooks`.

The outputs hold no time, no path and no version, so that what changes in them is worth a look.
"""

import base64
import io
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
COLOURS = 64  # of the palette of a picture


def executed(path: Path, folder: Path) -> nbformat.NotebookNode:
    """The notebook in the file `path`, run from top to bottom in `folder`."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    return notebook


def normalised(notebook: nbformat.NotebookNode) -> str:
    """The file of an executed notebook, the same wherever it was run but for its numbers."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number}", nbformat.NotebookNode()
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            data.pop("image/jpeg", None)  # beside the PNG of every Pillow picture
            if "metadata" in output:
                output.metadata = nbformat.NotebookNode()
            if "image/png" in data:
                data["image/png"] = _small(data["image/png"])
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def _small(encoded: str) -> str:
    """A PNG in base64, in a palette and without its origin."""
    picture, file = Image.open(io.BytesIO(base64.b64decode(encoded))), io.BytesIO()
    if picture.mode != "L":
        picture = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def main() -> int:
    """Execute every notebook beside this file."""
    for path in sorted(Path(__file__).parent.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            path.write_text(normalised(executed(path, Path(folder))))
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
