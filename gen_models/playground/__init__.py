"""The playground: a page in which GANs train, built by `make playground`, with data of its own."""

from gen_models.playground.serving import address, server
from gen_models.playground.site import Site, site, write

__all__ = ["Site", "address", "server", "site", "write"]
