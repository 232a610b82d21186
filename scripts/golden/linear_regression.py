"""Writes tests/golden/linear_regression.json: what scikit-learn's linear regressions find on small designs.

    python scripts/golden/linear_regression.py > tests/golden/linear_regression.json      (scikit-learn 1.9.1)
"""
import json

import numpy as np
import sklearn
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, Ridge

rng = np.random.RandomState(0)


def design(n, d, kind):
    x = rng.randn(n, d)
    if kind == "offset":
        x = x * np.logspace(-3, 3, d) + 1000 * np.arange(d)
    if kind == "collinear":
        x[:, 2] = 2 * x[:, 0] - x[:, 1] + 3
    if kind == "sparse":
        x[rng.rand(n, d) < 0.7] = 0
    y = x[:, 0] - 2 * x[:, -1] + 0.3 * rng.randn(n) + 5
    weights = rng.randint(0, 4, n).astype(float)
    return x, y, weights


def main():
    cases = []
    for kind, n, d in [("plain", 40, 5), ("offset", 60, 4), ("collinear", 30, 4), ("wide", 6, 10), ("sparse", 50, 8)]:
        x, y, weights = design(n, d, kind)
        fits = []

        def add(learner, settings, model, weighted):
            model.fit(x, y, sample_weight=weights if weighted else None)
            fits.append({"learner": learner, "settings": settings, "weighted": weighted,
                         "weights": model.coef_.tolist(), "intercept": float(model.intercept_)})

        for weighted in (False, True):
            add("linear_regression", {}, LinearRegression(tol=1e-14), weighted)
            for alpha in (0.01, 1.0, 100.0):
                add("ridge", {"alpha": alpha}, Ridge(alpha=alpha, solver="svd"), weighted)
            # Columns that span six decades: coordinate steps of both sides stop where the gap is small, far from 7 digits.
            for alpha in () if kind == "offset" else (0.01, 0.5):
                add("lasso", {"alpha": alpha, "tol": 1e-14}, Lasso(alpha=alpha, tol=1e-14, max_iter=10**6), weighted)
                add("elastic_net", {"alpha": alpha, "l1_ratio": 0.3, "tol": 1e-14},
                    ElasticNet(alpha=alpha, l1_ratio=0.3, tol=1e-14, max_iter=10**6), weighted)
        add("linear_regression", {"intercept": False}, LinearRegression(fit_intercept=False, tol=1e-14), False)
        add("ridge", {"alpha": 1.0, "intercept": False}, Ridge(alpha=1.0, fit_intercept=False, solver="svd"), True)
        if kind == "offset":
            cases.append({"kind": kind, "x": x.tolist(), "y": y.tolist(), "weights": weights.tolist(), "fits": fits})
            continue
        add("lasso", {"alpha": 0.1, "intercept": False, "tol": 1e-14},
            Lasso(alpha=0.1, fit_intercept=False, tol=1e-14, max_iter=10**6), True)
        cases.append({"kind": kind, "x": x.tolist(), "y": y.tolist(), "weights": weights.tolist(), "fits": fits})
    print(json.dumps({"scikit_learn": sklearn.__version__, "cases": cases}))


if __name__ == "__main__":
    main()
