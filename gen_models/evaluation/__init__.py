"""Measures of images and labels. Nothing here knows a model."""
