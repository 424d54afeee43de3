"""Searches: many settings begun, the worse ones stopped or replaced, the best ones reported."""
