"""Writes tests/golden/penalty_paths.json: strengths of penalties chosen by scikit-learn's cross-validated linear models, and the
loss of rows left out at every strength, solved to many digits. Folds are the values of `group`, so that they are the same
everywhere.

python scripts/golden/penalty_paths.py      (numpy, scikit-learn 1.9.1)
"""

import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import ElasticNetCV, LassoCV, LogisticRegressionCV, Ridge, RidgeCV
from sklearn.model_selection import LeaveOneGroupOut

warnings.simplefilter("ignore")


def told(learner, params, data, values, errors, chosen, coefficients, intercepts, weights=None):
    """errors [values, judged]: squared errors of rows, or mean losses of folds."""
    k = errors.shape[1]
    return {"learner": learner, "params": params, "data": data, "weights": weights, "values": values,
            "mean": errors.mean(axis=1).tolist(), "error": (errors.std(axis=1, ddof=1) / np.sqrt(k)).tolist(),
            "chosen": float(chosen), "coefficients": np.atleast_2d(coefficients).tolist(),
            "intercepts": np.atleast_1d(intercepts).tolist()}


def main():
    g = np.random.default_rng(5)
    x = np.round(g.standard_normal((60, 6)) @ (np.eye(6) + 0.6) + [0, 0, 50, 0, 0, 0], 4)
    y = np.round(x[:, 0] - 0.5 * x[:, 3] + 2 + 2 * g.standard_normal(60), 4)
    wide = np.round(g.standard_normal((20, 35)), 4)
    wide_y = np.round(wide[:, 0] + wide[:, 1] + g.standard_normal(20), 4)
    group = np.arange(60) * 7 % 5
    class_x = np.round(g.standard_normal((90, 4)), 4)
    scores = class_x @ g.standard_normal((4, 3)) + g.gumbel(size=(90, 3))
    three, two = np.argmax(scores, axis=1), (scores[:, 0] > scores[:, 1]).astype(int)
    class_group = np.arange(90) * 7 % 5
    weights = np.round(0.2 + 2 * g.random(60), 2)
    alphas = [300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.1]
    l1_alphas = [1.0, 0.3, 0.1, 0.03, 0.01]
    Cs = [0.003, 0.03, 0.3, 3.0, 30.0]
    splits = list(LeaveOneGroupOut().split(x, y, group))
    class_splits = list(LeaveOneGroupOut().split(class_x, two, class_group))
    cases = []

    def ridge(data, rows, target, intercept):
        m = RidgeCV(alphas=alphas, fit_intercept=intercept, store_cv_results=True).fit(rows, target)
        cases.append(told("ridge_cv", {"intercept": intercept}, data, alphas, m.cv_results_.T, m.alpha_, m.coef_, m.intercept_))

    ridge("line", x, y, True)
    ridge("line", x, y, False)
    ridge("wide", wide, wide_y, True)
    # A row is left out with all its weight, and counts by it.
    left_out = np.zeros((len(alphas), 60))
    for a, alpha in enumerate(alphas):
        for i in range(60):
            rest = np.arange(60) != i
            m = Ridge(alpha=alpha, solver="svd").fit(x[rest], y[rest], sample_weight=weights[rest])
            left_out[a, i] = (y[i] - m.predict(x[i:i + 1])[0]) ** 2
    mean = left_out @ weights / weights.sum()
    best = alphas[int(np.argmin(mean))]
    m = Ridge(alpha=best, solver="svd").fit(x, y, sample_weight=weights)
    cases.append({**told("ridge_cv", {}, "line", alphas, left_out, best, m.coef_, m.intercept_, weights.tolist()),
                  "mean": mean.tolist(), "error": None})
    by_fold = np.array([[np.mean((y[test] - Ridge(alpha=a, solver="svd").fit(x[train], y[train]).predict(x[test])) ** 2)
                         for train, test in splits] for a in alphas])
    m = RidgeCV(alphas=alphas, cv=splits, scoring="neg_mean_squared_error").fit(x, y)
    cases.append(told("ridge_cv", {"folds": 5}, "line", alphas, by_fold, m.alpha_, m.coef_, m.intercept_))
    m = LassoCV(alphas=l1_alphas, cv=splits, tol=1e-14, max_iter=10**6).fit(x, y)
    cases.append(told("elastic_net_cv", {"tol": 1e-14}, "line", l1_alphas, m.mse_path_, m.alpha_, m.coef_, m.intercept_))
    m = ElasticNetCV(alphas=l1_alphas, l1_ratio=0.3, cv=splits, tol=1e-14, max_iter=10**6).fit(x, y)
    cases.append(told("elastic_net_cv", {"tol": 1e-14, "l1_ratio": 0.3}, "line", l1_alphas, m.mse_path_, m.alpha_, m.coef_,
                      m.intercept_))

    def logistic(data, target, params, Cs, **settings):
        m = LogisticRegressionCV(Cs=Cs, cv=class_splits, scoring="neg_log_loss", tol=1e-13, max_iter=10**6,
                                 use_legacy_attributes=False, random_state=0, **settings).fit(class_x, target)
        losses = -m.scores_.reshape(len(class_splits), len(Cs)).T
        cases.append(told("logistic_regression_cv", {"tol": 1e-10, **params}, data, Cs, losses, m.C_, m.coef_, m.intercept_))

    logistic("two", two, {}, Cs, l1_ratios=(0.0,), solver="newton-cholesky")
    logistic("three", three, {}, Cs, l1_ratios=(0.0,), solver="lbfgs")
    # Where every weight is 0 saga stops before the intercept is right.
    logistic("two", two, {"penalty": "l1"}, Cs[2:], l1_ratios=(1.0,), solver="saga")
    data = {"line": {"x": x.tolist(), "y": y.tolist(), "group": group.tolist()},
            "wide": {"x": wide.tolist(), "y": wide_y.tolist(), "group": [0] * 20},
            "two": {"x": class_x.tolist(), "y": two.tolist(), "group": class_group.tolist()},
            "three": {"x": class_x.tolist(), "y": three.tolist(), "group": class_group.tolist()}}
    out = pathlib.Path(__file__).parents[2] / "tests/golden/penalty_paths.json"
    out.write_text(json.dumps({"made_by": f"scripts/golden/penalty_paths.py, scikit-learn {sklearn.__version__}",
                               "data": data, "cases": cases}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
