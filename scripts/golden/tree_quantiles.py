"""Writes tests/golden/tree_quantiles.json: quantiles of one exact tree, and pinball losses of a peer's forests.

    python scripts/golden/tree_quantiles.py > tests/golden/tree_quantiles.json   (quantile-forest 1.4.2, scikit-learn 1.9.1, numpy 2)

`exact`: one tree of scikit-learn on all rows; a row's quantiles are numpy's of the targets in its leaf, method inverted_cdf: the
smallest target whose share of the rows reaches the level, as in Meinshausen's paper. (The peer's own are interpolated between targets.)
`peer`: data/diabetes.csv, every third row held out; mean pinball loss of ten forests of quantile-forest, and how it varies. `paper`: of
ten forests of scikit-learn with the paper's weights and quantiles, in five lines.
"""
import csv
import json
import pathlib

import numpy as np
from quantile_forest import RandomForestQuantileRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor

LEVELS = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]
DATA = pathlib.Path(__file__).resolve().parents[2] / "data" / "diabetes.csv"


def exact():
    rng = np.random.RandomState(5)
    x, cases = rng.randn(200, 3).round(6), []
    y = (2 * x[:, 0] + np.sin(3 * x[:, 1]) + (0.2 + (x[:, 2] > 0)) * rng.randn(200)).round(6)
    weights = rng.randint(1, 4, 200).astype(float)
    for min_samples_leaf in (7, 20, 60):
        for w in (None, weights):
            tree = DecisionTreeRegressor(min_samples_leaf=min_samples_leaf, random_state=0).fit(x, y, sample_weight=w)
            leaf = tree.apply(x)
            rows = [np.quantile(y[leaf == l], LEVELS, weights=None if w is None else w[leaf == l], method="inverted_cdf") for l in leaf]
            cases.append({"min_samples_leaf": min_samples_leaf, "weighted": w is not None, "quantiles": np.array(rows).ravel().tolist()})
    return {"x": x.tolist(), "y": y.tolist(), "weights": weights.tolist(), "cases": cases}


def quantiles_of_paper(forest, x, y, unseen):
    leaf, unseen_leaf, order, rows = forest.apply(x), forest.apply(unseen), np.argsort(y, kind="stable"), []
    for leaves in unseen_leaf:
        same = leaf == leaves
        reached = np.cumsum((same / same.sum(axis=0)).mean(axis=1)[order])
        rows.append([y[order][np.searchsorted(reached, level - 1e-12)] for level in LEVELS])
    return np.array(rows)


def losses():
    with open(DATA, newline="") as file:
        table = np.array([[float(cell) for cell in row] for row in list(csv.reader(file))[1:]])
    held_out = np.arange(len(table)) % 3 == 2
    x, y = table[:, :-1], table[:, -1]
    found = {"peer": [], "paper": []}
    for seed in range(10):
        settings = dict(n_estimators=100, min_samples_leaf=5, max_features=1 / 3, random_state=seed)
        peer = RandomForestQuantileRegressor(max_samples_leaf=None, **settings).fit(x[~held_out], y[~held_out])
        plain = RandomForestRegressor(**settings).fit(x[~held_out], y[~held_out])
        for name, said in (("peer", peer.predict(x[held_out], quantiles=LEVELS)),
                           ("paper", quantiles_of_paper(plain, x[~held_out], y[~held_out], x[held_out]))):
            miss = y[held_out, None] - said
            found[name].append(np.maximum(np.array(LEVELS) * miss, (np.array(LEVELS) - 1) * miss).mean(axis=0))
    return {name: {"loss": np.mean(all_, axis=0).tolist(), "spread": np.std(all_, axis=0, ddof=1).tolist()} for name, all_ in found.items()}


print(json.dumps({"levels": LEVELS, "exact": exact(), **losses()}))
