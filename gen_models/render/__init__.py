"""Pictures and tables: grids of images u8[N,H,W], animations, charts, Markdown, terminals.

Equal inputs give equal bytes: no file contains a date.
"""

from gen_models.render.charts import chart, curves, legend_below, marker, scatter, smoothed
from gen_models.render.grids import grid, pairs, save_gif, save_png
from gen_models.render.markdown import markdown_table
from gen_models.render.stages import StageReporter, Stages
from gen_models.render.terminal import terminal_tables
