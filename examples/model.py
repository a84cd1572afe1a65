"""Look into a trained model before it is gone: which flowers does it get wrong, and by how much?

A classifier that knows the mean of each class and takes the nearest. At the prompt try

    [flower for flower, kind in held_out if classify(means, flower) != kind]
    classify({**means, "mine": (5.0, 1.5)}, (5.2, 1.5))
    pp means
    import json; json.dump(means, open("means.json", "w"))
"""

import math
import os
import random

from hooking import hook

# Petal length and width in cm: mean and spread, as they are for three kinds of iris.
KINDS = {
    "setosa": ((1.5, 0.2), (0.2, 0.1)),
    "versicolor": ((4.3, 1.3), (0.5, 0.2)),
    "virginica": ((5.6, 2.0), (0.6, 0.3)),
}


def gather(count, rng):
    """Pairs of a flower, itself a pair of lengths, and its kind."""
    flowers = []
    for kind, (centre, spread) in KINDS.items():
        for _ in range(count):
            flowers.append((tuple(round(rng.gauss(*at), 1) for at in zip(centre, spread)), kind))
    rng.shuffle(flowers)
    return flowers


def train(flowers):
    means = {}
    for kind in KINDS:
        members = [flower for flower, its_kind in flowers if its_kind == kind]
        means[kind] = tuple(math.fsum(axis) / len(members) for axis in zip(*members))
    return means


def classify(means, flower):
    return min(means, key=lambda kind: math.dist(means[kind], flower))


def score(means, flowers):
    return sum(classify(means, flower) == kind for flower, kind in flowers) / len(flowers)


def main():
    flowers = gather(50, random.Random(10))
    training, held_out = flowers[:120], flowers[120:]
    means = train(training)
    hook("means, training and held_out are yours", when=os.isatty(0))
    print(f"{score(means, held_out):.0%} of the flowers held out are recognised")


if __name__ == "__main__":
    main()
