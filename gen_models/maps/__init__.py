"""Maps: real images and models' samples as points in one plane, and what its numbers say about the
models."""

from gen_models.maps.drawing import picture
from gen_models.maps.files import write
from gen_models.maps.making import Map, MapOptions, make_map
