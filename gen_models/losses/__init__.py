"""The mathematics that training minimises: one function, one cited equation. Nothing here knows a
network, a model or an optimiser."""

from gen_models.losses.adversarial import (
    Loss,
    cross_entropy,
    energy_margin,
    equilibrium,
    hinge,
    least_squares,
    least_squares_of_probabilities,
    mismatched,
    non_saturating,
    pulling_away,
    relativistic_pairing,
    saturating,
    wasserstein,
)
from gen_models.losses.elbo import (
    LIKELIHOODS,
    Draws,
    Likelihood,
    Objective,
    importance_weighted,
    kl_to_standard_normal,
    normal_log_prob,
    reparameterise,
    weighted_elbo,
)
from gen_models.losses.gradient_penalties import (
    Penalty,
    dragan_penalty,
    r1_penalty,
    r1_r2_penalty,
    wgan_gp_penalty,
)
