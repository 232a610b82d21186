"""Writes tests/golden/baseline.json: what scikit-learn answers where constant, k_nearest_neighbors and naive_bayes must.

Made with numpy 2.4.6, scipy 1.17.1 and scikit-learn 1.9.1:  python scripts/golden/baseline.py
"""
import json
import pathlib

import numpy as np
import sklearn
from scipy import sparse
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors

rng = np.random.default_rng(7)
TRAIN, TEST, COLUMNS, CLASSES = 80, 25, 4, 3


def numbers(a):
    return np.asarray(a, dtype=float).round(17).tolist()


def dense_set():
    x = rng.normal(size=(TRAIN + TEST, COLUMNS)).round(6)
    labels = (x[:, 0] + 0.5 * rng.normal(size=len(x)) > 0).astype(int) + (x[:, 1] > 0.7)
    y = (x @ [1.0, -2.0, 0.5, 0.0] + rng.normal(size=len(x))).round(6)
    return x, labels, y


def count_set():
    x = rng.poisson(0.4, size=(TRAIN + TEST, 30)).astype(float)
    labels = rng.integers(0, CLASSES, len(x))
    x[np.arange(len(x)), labels] += rng.poisson(1.0, len(x))
    x[:, -1] = rng.uniform(0.1, 0.2, len(x)).round(6)  # no row of zeros, no ties
    return x, labels


def neighbors(x, y_labels, y):
    train, test = x[:TRAIN], x[TRAIN:]
    cases = []
    for metric in ("euclidean", "manhattan", "cosine"):
        found = NearestNeighbors(n_neighbors=7, metric=metric, algorithm="brute").fit(train).kneighbors(test)
        for weights in ("uniform", "distance"):
            settings = dict(n_neighbors=7, metric=metric, weights=weights, algorithm="brute")
            case = {"metric": metric, "weights": weights, "k": 7, "distances": numbers(found[0]), "indices": found[1].tolist(),
                    "probabilities": numbers(KNeighborsClassifier(**settings).fit(train, y_labels[:TRAIN]).predict_proba(test))}
            if y is not None:
                case["values"] = numbers(KNeighborsRegressor(**settings).fit(train, y[:TRAIN]).predict(test))
            cases.append(case)
    return cases


def bayes(model, x, labels, w):
    fitted = model.fit(x[:TRAIN], labels[:TRAIN], sample_weight=w)
    return numbers(fitted.predict_proba(x[TRAIN:]))


def main():
    x, labels, y = dense_set()
    counts, count_labels = count_set()
    w = rng.uniform(0.2, 3.0, TRAIN).round(6)
    naive = []
    for weights in (None, w):
        naive += [
            {"data": "dense", "weighted": weights is not None, "distribution": "gaussian",
             "probabilities": bayes(GaussianNB(), x, labels, weights)},
            {"data": "counts", "weighted": weights is not None, "distribution": "multinomial", "alpha": 0.5,
             "probabilities": bayes(MultinomialNB(alpha=0.5), sparse.csr_matrix(counts), count_labels, weights)},
            {"data": "counts", "weighted": weights is not None, "distribution": "bernoulli", "alpha": 1.0, "binarize": 0.3,
             "probabilities": bayes(BernoulliNB(binarize=0.3), counts, count_labels, weights)},
        ]
    constants = {"mean": float(DummyRegressor().fit(x[:TRAIN], y[:TRAIN]).predict(x[:1])[0]),
                 "median": float(DummyRegressor(strategy="median").fit(x[:TRAIN], y[:TRAIN]).predict(x[:1])[0]),
                 "mean_weighted": float(DummyRegressor().fit(x[:TRAIN], y[:TRAIN], sample_weight=w).predict(x[:1])[0]),
                 "median_weighted": float(DummyRegressor(strategy="median").fit(x[:TRAIN], y[:TRAIN], sample_weight=w)
                                          .predict(x[:1])[0])}
    for strategy in ("prior", "most_frequent"):
        for name, weights in (("", None), ("_weighted", w)):
            fitted = DummyClassifier(strategy=strategy).fit(x[:TRAIN], labels[:TRAIN], sample_weight=weights)
            constants[strategy + name] = numbers(fitted.predict_proba(x[:1])[0])
    golden = {
        "made_with": {"scikit-learn": sklearn.__version__, "numpy": np.__version__},
        "train_rows": TRAIN,
        "weights": numbers(w),
        "dense": {"x": numbers(x), "labels": labels.tolist(), "y": numbers(y), "neighbors": neighbors(x, labels, y)},
        "counts": {"x": numbers(counts), "labels": count_labels.tolist(), "neighbors": neighbors(counts, count_labels, None)},
        "naive_bayes": naive,
        "constant": constants,
    }
    path = pathlib.Path(__file__).parents[2] / "tests" / "golden" / "baseline.json"
    path.write_text(json.dumps(golden) + "\n")
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
