"""Writes tests/golden/linear_leaves.json: what LightGBM reaches with linear and with constant leaves on rows that the tests make too.

    python scripts/golden/linear_leaves.py > tests/golden/linear_leaves.json      (lightgbm 4.7.0)
"""
import json

import lightgbm
import numpy as np

from boosting_objectives import THREADS, Made

ROUNDS = 60


def line_rows(seed, n):
    """Lines that bend, at zero and elsewhere."""
    made = Made(seed)
    x, y = [], []
    for _ in range(n):
        row = [4 * made.uniform() - 2 for _ in range(4)]
        value = 3 * abs(row[0]) + 2 * max(row[1] - 0.5, 0) - row[2] + (2 * row[3] if row[0] > 0 else 0.5 * row[3])
        y.append(value + 0.2 * made.normal())
        x.append(row)
    return np.array(x), np.array(y)


def main():
    (x, y), (tx, ty) = line_rows(1, 2000), line_rows(2, 2000)
    reached = {}
    for name, linear in (("linear", True), ("constant", False)):
        booster = lightgbm.train({"objective": "regression", "linear_tree": linear, "learning_rate": 0.1, "max_depth": 4, "num_leaves": 16,
                                  "verbose": -1, "num_threads": THREADS}, lightgbm.Dataset(x, y), ROUNDS)
        reached[name] = float(np.sqrt(np.mean((ty - booster.predict(tx)) ** 2)))
    print(json.dumps({"made_by": f"scripts/golden/linear_leaves.py, lightgbm {lightgbm.__version__}", "first": [*x[0].tolist(), float(y[0])],
                      "rounds": ROUNDS, "rmse": reached}))


if __name__ == "__main__":
    main()
