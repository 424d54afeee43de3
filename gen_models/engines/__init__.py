"""The engines: what one paper supplies, networks and an objective, becomes an Algorithm. A paper
chooses its engine; an engine knows no paper."""
