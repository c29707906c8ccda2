"""Sessions of people and robots, as numbers, to find the robots in."""

import numpy as np


def sessions(humans=20_000, bots=400, seed=0):
    """Sessions of people and of three kinds of bots: eight features, and which are bots."""
    rng = np.random.default_rng(seed)

    def people(n):
        return np.column_stack(
            [
                np.log1p(rng.lognormal(2, 0.9, n)),
                np.log(rng.lognormal(3.2, 0.7, n)),
                rng.gamma(6, 0.2, n),
                rng.beta(5, 2, n),
                rng.beta(1, 20, n),
                rng.beta(1.5, 6, n),
                np.log(rng.lognormal(3.3, 0.6, n)),
                rng.beta(2, 2, n),
            ]
        )

    kind = bots // 3
    crawlers, scrapers, fraud = people(kind), people(kind), people(kind)
    crawlers[:, 0] += rng.normal(1.2, 0.4, kind)
    crawlers[:, 1] -= 1.5
    crawlers[:, 2] *= 0.35
    scrapers[:, 2] = rng.gamma(2, 0.02, kind)
    scrapers[:, 3] = rng.beta(30, 1, kind)
    scrapers[:, 4] = 0
    fraud[:, 4] = rng.beta(8, 8, kind)
    fraud[:, 6] += 1.2
    fraud[:, 3] *= 0.4
    return np.vstack([people(humans), crawlers, scrapers, fraud]), np.arange(humans + 3 * kind) >= humans
