"""Small generative models of images, trained with JAX and measured so that results compare."""
