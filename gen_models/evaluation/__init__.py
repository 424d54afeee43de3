"""Measures of images and labels against a data set. Nothing here knows a generative model or a
run: `gen_models.assessment` draws from runs and asks for these measures."""
