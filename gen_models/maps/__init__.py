"""Maps: real images and models' samples as points of one plane, and what the plane's numbers say
of the models."""

from gen_models.maps.drawing import picture
from gen_models.maps.files import write
from gen_models.maps.making import Extent, Map, made
