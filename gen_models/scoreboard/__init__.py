"""The scoreboard: every model on every data set, which runs it lacks, and its page."""
