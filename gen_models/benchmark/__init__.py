"""Measurement of speed: contestants run in turn, so that ratios hold when the machine drifts."""
