"""Writes tests/golden/tree.json: exact trees of scikit-learn, predictions on their own rows and numbers of leaves.

    python scripts/golden/tree.py > tests/golden/tree.json      (scikit-learn 1.9.1)
"""
import json

import numpy as np
import sklearn
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

rng = np.random.RandomState(3)
N, D, SEEDS = 300, 4, 12


def case(x, y, weights, kind, **settings):
    """None where equal gains are settled by chance: other orders of the features then give other trees."""
    models = [kind(random_state=seed, **settings).fit(x, y, sample_weight=weights) for seed in range(SEEDS)]
    answers = [m.predict_proba(x) if kind is DecisionTreeClassifier else m.predict(x) for m in models]
    if any(abs(a - answers[0]).max() > 1e-12 or abs(m.feature_importances_ - models[0].feature_importances_).max() > 1e-9
           for a, m in zip(answers, models)):
        return None
    model, said = models[0], answers[0]
    settings["criterion"] = {"squared_error": "squared", "absolute_error": "absolute"}.get(settings["criterion"], settings["criterion"])
    return {"settings": settings, "weighted": weights is not None, "leaves": int(model.get_n_leaves()), "depth": int(model.get_depth()),
            "importances": model.feature_importances_.tolist(), "predictions": said.ravel().tolist()}


def main():
    x = rng.randn(N, D).round(6)
    gaps = np.where(rng.rand(N, D) < 0.15, np.nan, x)
    filled = np.where(np.isnan(gaps), 1.0, gaps)
    labels = ((filled[:, 0] + filled[:, 1] ** 2 + 0.5 * rng.randn(N) > 0.5).astype(int) + (filled[:, 2] > 1)).tolist()
    y = (2 * filled[:, 0] + np.sin(3 * filled[:, 1]) + 0.3 * rng.randn(N)).round(6)
    counts = rng.poisson(np.exp(0.6 * filled[:, 0])).astype(float)
    weights = rng.randint(1, 4, N).astype(float)
    sets = {}
    for name, features in (("full", x), ("gaps", gaps)):
        cases = []
        for criterion in ("gini", "entropy"):
            for settings in (dict(max_depth=3), dict(max_depth=4, min_samples_leaf=20), dict(max_depth=2), dict(ccp_alpha=0.012, min_samples_leaf=20), dict(max_leaf_nodes=5)):
                cases.append(case(features, labels, None, DecisionTreeClassifier, criterion=criterion, **settings))
            cases.append(case(features, labels, weights, DecisionTreeClassifier, criterion=criterion, max_depth=3))
        for criterion in ("squared_error", "absolute_error", "poisson"):
            target = counts if criterion == "poisson" else y
            if name == "gaps" and criterion == "absolute_error":
                continue  # scikit-learn takes no missing values with it
            for settings in (dict(max_depth=3), dict(max_depth=5, min_samples_leaf=6), dict(max_leaf_nodes=7)):
                if criterion == "absolute_error" and settings != dict(max_depth=3):
                    continue  # thresholds of one feature whose sums of distances are equal: rounding decides
                cases.append(case(features, target, None, DecisionTreeRegressor, criterion=criterion, **settings))
            cases.append(case(features, target, weights, DecisionTreeRegressor, criterion=criterion, max_depth=3))
        cases.append(case(features, y, None, DecisionTreeRegressor, criterion="squared_error", ccp_alpha=0.02))
        sets[name] = {"x": [[None if np.isnan(v) else v for v in row] for row in features.tolist()], "cases": [c for c in cases if c]}
    print(json.dumps({"made_by": f"scripts/golden/tree.py, scikit-learn {sklearn.__version__}", "labels": labels, "y": y.tolist(),
                      "counts": counts.tolist(), "weights": weights.tolist(), "sets": sets}, separators=(",", ":")))


if __name__ == "__main__":
    main()
