"""A page, one HTML file, in which trained models run and can be played with in a browser."""

from gen_models.explorer.making import ExplorerPage, make_page, write_page
from gen_models.explorer.program import UnsupportedError
