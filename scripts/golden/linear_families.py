"""Writes tests/golden/linear_families.json: generalised linear models, Huber and quantile regression and support vector
machines by scikit-learn, solved to many digits.

python scripts/golden/linear_families.py      (numpy, scipy, scikit-learn 1.9.1)
"""

import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import GammaRegressor, HuberRegressor, PoissonRegressor, QuantileRegressor, TweedieRegressor
from sklearn.svm import SVC, LinearSVC

warnings.simplefilter("ignore")


def linear(name, learner, params, model, data, weights=None):
    x, y = data
    kwargs = {} if weights is None else {"sample_weight": weights}
    model.fit(x, y, **kwargs)
    return {"name": name, "learner": learner, "params": params, "y": y.tolist(),
            "weights": None if weights is None else weights.tolist(),
            "coefficients": np.ravel(model.coef_).tolist(), "intercept": float(np.ravel(model.intercept_)[0])}


def machine(name, params, model, x, y):
    model.fit(x, y)
    return {"name": name, "params": params, "y": y.tolist(), "decisions": model.decision_function(x).tolist()}


def main():
    g = np.random.default_rng(11)
    x = np.round(g.standard_normal((80, 3)) * [1, 10, 0.1] + [0, 100, 0], 4)
    z = np.round((x - [0, 100, 0]) / [1, 10, 0.1], 6)
    mean = np.exp(0.7 + z @ [0.4, -0.3, 0.2])
    counts = g.poisson(mean).astype(float)
    amounts = np.round(g.gamma(2.0, mean / 2), 4) + 0.001
    mixed = np.round(np.array([g.gamma(1.0, 1.0, size=k).sum() for k in g.poisson(mean)]), 4)
    line = np.round(3 + z @ [2.0, -1.0, 0.5] + 0.5 * g.standard_normal(80), 4)
    wild = line.copy()
    wild[::9] += 40
    weights = np.round(g.random(80) * 3, 2)
    weights[:5] = 0
    fine = {"tol": 1e-12, "max_iter": 100_000}
    newton = {"solver": "newton-cholesky", **fine}
    cases = [
        linear("poisson", "glm", {}, PoissonRegressor(alpha=0, **newton), (x, counts)),
        linear("poisson weighted", "glm", {}, PoissonRegressor(alpha=0, **newton), (x, counts), weights),
        linear("poisson penalised", "glm", {"alpha": 0.01}, PoissonRegressor(alpha=0.01, **newton), (x, counts)),
        linear("poisson, no intercept", "glm", {"intercept": False}, PoissonRegressor(alpha=0, fit_intercept=False, **newton), (z, counts)),
        linear("gamma", "glm", {"family": "gamma"}, GammaRegressor(alpha=0, **newton), (x, amounts)),
        linear("gamma penalised", "glm", {"family": "gamma", "alpha": 0.01}, GammaRegressor(alpha=0.01, **newton), (x, amounts)),
        linear("tweedie 1.5", "glm", {"family": "tweedie"}, TweedieRegressor(power=1.5, link="log", alpha=0, **newton), (x, mixed)),
        linear("tweedie 1.2 weighted, penalised", "glm", {"family": "tweedie", "power": 1.2, "alpha": 0.02},
               TweedieRegressor(power=1.2, link="log", alpha=0.02, **newton), (x, mixed), weights),
        linear("huber", "huber_regression", {}, HuberRegressor(tol=1e-10, max_iter=100_000), (z, wild)),
        linear("huber weighted, wide", "huber_regression", {"epsilon": 2, "alpha": 0.5},
               HuberRegressor(epsilon=2, alpha=0.5, tol=1e-10, max_iter=100_000), (z, wild), weights),
    ]
    for level in (0.1, 0.5, 0.9):
        cases.append(linear(f"quantile {level}", "quantile_regression", {"quantiles": str(level)},
                            QuantileRegressor(quantile=level, alpha=0, solver="highs"), (x, wild)))
    cases.append(linear("median weighted", "quantile_regression", {}, QuantileRegressor(quantile=0.5, alpha=0, solver="highs"), (x, wild), weights))
    for c in cases:
        c["columns"] = "scaled" if c["name"] in ("poisson, no intercept", "huber", "huber weighted, wide") else "given"

    two = (z @ [1.0, -1.0, 0.5] + 0.7 * g.standard_normal(80) > 0).astype(int)
    three = np.argmax(z[:, :3] + 0.4 * g.standard_normal((80, 3)), axis=1)
    ring = (np.hypot(z[:, 0], z[:, 1]) + 0.2 * g.standard_normal(80) > 1.1).astype(int)
    fine = {"tol": 1e-10, "max_iter": 10_000_000}
    machines = [
        machine("squared hinge", {"C": 1, "tol": 1e-10}, LinearSVC(C=1, dual=True, random_state=0, **fine), z, two),
        machine("hinge", {"C": 0.5, "loss": "hinge", "tol": 1e-10}, LinearSVC(C=0.5, loss="hinge", random_state=0, **fine), z, two),
        machine("l1", {"C": 0.3, "penalty": "l1", "tol": 1e-8}, LinearSVC(C=0.3, penalty="l1", dual=False, random_state=0, **fine), z, two),
        machine("balanced", {"C": 1, "class_weight": "balanced", "tol": 1e-10},
                LinearSVC(C=1, dual=True, class_weight="balanced", random_state=0, **fine), z, ring),
        machine("three classes", {"C": 1, "tol": 1e-10}, LinearSVC(C=1, dual=True, random_state=0, **fine), z, three),
    ]
    kernels = [
        machine("rbf", {"C": 2, "gamma": 0.7, "tol": 1e-8}, SVC(C=2, gamma=0.7, tol=1e-8), z, ring),
        machine("rbf, gamma by scale", {"C": 1, "tol": 1e-8}, SVC(C=1, gamma="scale", tol=1e-8), z, ring),
        machine("poly", {"C": 1, "kernel": "poly", "degree": 2, "coef0": 1, "gamma": 0.5, "tol": 1e-8},
                SVC(C=1, kernel="poly", degree=2, coef0=1, gamma=0.5, tol=1e-8), z, ring),
        machine("linear", {"C": 1, "kernel": "linear", "tol": 1e-8}, SVC(C=1, kernel="linear", tol=1e-8), z, two),
    ]
    out = {"made_by": f"scikit-learn {sklearn.__version__}", "columns": {"given": x.tolist(), "scaled": z.tolist()}, "linear": cases, "linear_svm": machines, "kernel_svm": kernels}
    path = pathlib.Path(__file__).parents[2] / "tests/golden/linear_families.json"
    path.write_text(json.dumps(out) + "\n")
    print(path, len(path.read_text()), "bytes")


if __name__ == "__main__":
    main()
