"""A training that can be killed: started again, it goes on from its last snapshot and comes to the same result.

    hooking checkpoint -f -1 --keep 3 --resume examples/training.py

Without the command it runs as any script. It fits a small model by stochastic gradient descent. What a step needs, the
generator of random numbers too, is in variables of the module, and a snapshot is taken when they fit together.
"""

import sys

import numpy as np

from hooking import Checkpoint

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
EVERY = STEPS // 8

try:
    checkpoint = Checkpoint.get_global_singleton()
except AssertionError:
    checkpoint = None


def resume_or(name, default):
    return checkpoint.resume_or(name, default) if checkpoint else default


step = resume_or("step", 0)
weights = resume_or("weights", np.zeros(3))
generator = resume_or("generator", np.random.default_rng(7))

if step:
    print(f"goes on at step {step}")

while step < STEPS:
    x = generator.uniform(-1, 1)
    features = np.array([1.0, x, x * x])
    wanted = 3 + 2 * x - x * x + generator.normal(scale=0.1)
    weights = weights - 0.02 * (features @ weights - wanted) * features
    step += 1
    if checkpoint and step % EVERY == 0:
        checkpoint.snapshot(f"step{step}")

print("y = {:.9f} {:+.9f} x {:+.9f} x²".format(*weights))
