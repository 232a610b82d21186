"""Writes tests/golden/logistic.json: fits of logistic and softmax regression by scikit-learn, solved to many digits.

python scripts/golden/logistic.py      (numpy, scipy, scikit-learn 1.9.1)
"""

import json
import pathlib
import warnings

import numpy as np
import scipy.sparse as sp
import sklearn
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

warnings.simplefilter("ignore")


def fit(x, y, params, weights=None, solver="lbfgs"):
    l1_ratio = {"l1": 1.0, "elastic_net": params.get("l1_ratio", 0.5)}.get(params.get("penalty", "l2"), 0.0)
    c = np.inf if params.get("penalty") == "none" else params.get("C", 1.0)
    class_weight = "balanced" if params.get("class_weight") == "balanced" else None
    if l1_ratio > 0:
        solver = "saga"
    model = LogisticRegression(C=c, l1_ratio=l1_ratio, solver=solver, tol=1e-14, max_iter=200_000,
                               class_weight=class_weight, random_state=0)
    return model.fit(x, y, sample_weight=weights)


def case(name, data, x, y, params, weights=None, solver="lbfgs"):
    model = fit(x, y, params, weights, solver)
    return {"name": name, "data": data, "params": params, "weights": None if weights is None else list(weights),
            "coefficients": model.coef_.tolist(), "intercepts": model.intercept_.tolist(),
            "probabilities": model.predict_proba(x)[:5].tolist()}


def main():
    g = np.random.default_rng(7)
    cancer = load_breast_cancer()
    cancer_x = np.round(StandardScaler().fit_transform(cancer.data), 4)
    iris = load_iris()
    small_x = np.round(g.standard_normal((60, 3)) * [1, 10, 0.1] + [0, 100, 0], 4)
    small_y = (g.random(60) < 1 / (1 + np.exp(-(small_x - [0, 100, 0]) @ [1, -0.1, 5]))).astype(int)
    three_x = np.round(g.standard_normal((90, 4)), 4)
    three_y = np.argmax(three_x @ g.standard_normal((4, 3)) + g.gumbel(size=(90, 3)), axis=1)
    weights = np.round(g.random(60) * 3, 2)
    weights[:5] = 0
    sparse_x = sp.random(150, 400, density=0.03, random_state=3, data_rvs=lambda n: np.round(g.random(n) + 0.1, 4)).tocsr()
    sparse_x.sort_indices()
    sums = [np.asarray(sparse_x[:, part].sum(axis=1)).ravel() for part in (slice(0, 200), slice(200, 400))]
    sparse_y = (sums[0] + 0.5 * g.standard_normal(150) > sums[1]).astype(int)
    sparse_three = np.arange(150) * 7 % 3
    course_x = np.array([[0.5, 1.5], [1, 1], [1.5, 0.5], [3, 0.5], [2, 2], [1, 2.5]])
    course_y = np.array([0, 0, 0, 1, 1, 1])
    newton = "newton-cholesky"
    cases = [
        case("course", "course", course_x, course_y, {}, solver=newton),
        case("cancer l2", "cancer", cancer_x, cancer.target, {}, solver=newton),
        case("cancer weak", "cancer", cancer_x, cancer.target, {"C": 10.0}, solver=newton),
        case("cancer l1", "cancer", cancer_x, cancer.target, {"penalty": "l1", "C": 0.1}),
        case("cancer elastic net", "cancer", cancer_x, cancer.target, {"penalty": "elastic_net", "l1_ratio": 0.3, "C": 0.1}),
        case("cancer balanced", "cancer", cancer_x, cancer.target, {"class_weight": "balanced"}, solver=newton),
        case("iris l2", "iris", iris.data, iris.target, {}, solver=newton),
        case("iris l1", "iris", iris.data, iris.target, {"penalty": "l1", "C": 0.5}),
        case("small none", "small", small_x, small_y, {"penalty": "none"}, solver=newton),
        case("small weighted", "small", small_x, small_y, {"C": 0.5}, weights, solver=newton),
        case("three none", "three", three_x, three_y, {"penalty": "none"}, solver=newton),
        case("three elastic net", "three", three_x, three_y, {"penalty": "elastic_net", "C": 0.3}),
        case("sparse l2", "sparse", sparse_x, sparse_y, {"C": 5.0}),
        case("sparse l1", "sparse", sparse_x, sparse_y, {"penalty": "l1", "C": 2.0}),
        case("sparse three classes", "sparse3", sparse_x, sparse_three, {}),
    ]
    csr = {"indptr": sparse_x.indptr.tolist(), "indices": sparse_x.indices.tolist(), "values": sparse_x.data.tolist(),
           "columns": sparse_x.shape[1]}
    data = {
        "course": {"x": course_x.tolist(), "y": course_y.tolist()},
        "cancer": {"x": cancer_x.tolist(), "y": cancer.target.tolist()},
        "iris": {"x": iris.data.tolist(), "y": iris.target.tolist()},
        "small": {"x": small_x.tolist(), "y": small_y.tolist()},
        "three": {"x": three_x.tolist(), "y": three_y.tolist()},
        "sparse": {"csr": csr, "y": sparse_y.tolist()},
        "sparse3": {"csr": csr, "y": sparse_three.tolist()},
    }
    out = pathlib.Path(__file__).parents[2] / "tests/golden/logistic.json"
    out.write_text(json.dumps({"made_by": f"scripts/golden/logistic.py, scikit-learn {sklearn.__version__}",
                               "data": data, "cases": cases}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
