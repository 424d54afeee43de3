"""Searches: many settings start, the worse ones are stopped or replaced, the best are reported."""
