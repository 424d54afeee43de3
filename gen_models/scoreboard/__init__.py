"""The scoreboard of every model on every data set: its runs, its results, its page."""
