"""Measures of images and labels against a data set, independent of generative models and runs:
`gen_models.assessment` draws from runs and calls these measures."""
