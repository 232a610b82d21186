#!/usr/bin/env python3
"""Models that XGBoost 3.2 and LightGBM 4.7 wrote, with their inputs, raw scores, predictions and Shapley values.

  pip install xgboost==3.2.0 lightgbm==4.7.0
  scripts/golden/tree_models.py        writes tests/golden/trees/
"""
import json
import os

import lightgbm
import numpy
import xgboost

TO = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "golden", "trees")
ROWS = 40


def data(seed=0, n=400):
    """Three numbers, one of them often missing, and a category of eight levels."""
    g = numpy.random.default_rng(seed)
    x = numpy.round(g.standard_normal((n, 4)), 3)
    x[:, 3] = g.integers(0, 8, n)
    score = 1.2 * x[:, 0] - x[:, 1] ** 2 + numpy.where(numpy.isin(x[:, 3], [1, 4, 6]), 1.5, -0.5) + 0.3 * g.standard_normal(n)
    x[g.random(n) < 0.2, 2] = numpy.nan
    x[g.random(n) < 0.1, 0] = numpy.nan
    return x, score


def listed(values):
    return [[None if numpy.isnan(v) else float(v) for v in row] for row in numpy.atleast_2d(values)]


def probe(x):
    """Training rows and harder ones: everything missing, infinite, unseen categories."""
    extra = numpy.array([[numpy.nan] * 4, [0, 0, 0, 11], [1e30, -1e30, 0, 3], [0, 0, numpy.nan, numpy.nan]])
    return numpy.vstack([x[:ROWS], extra])


def xgboost_pairs(pairs):
    x, score = data()
    rows = probe(x)
    labels = (score > 0).astype(int)
    classes = numpy.digitize(score, [-1, 0.5])
    counts = numpy.random.default_rng(1).poisson(numpy.exp(score / 3))
    types = ["q", "q", "q", "c"]
    cases = {
        "xgboost_binary": (labels, {"objective": "binary:logistic"}, False),
        "xgboost_multiclass": (classes, {"objective": "multi:softprob", "num_class": 3}, False),
        "xgboost_dart": (score, {"objective": "reg:squarederror", "booster": "dart", "rate_drop": 0.3}, False),
        "xgboost_poisson": (counts, {"objective": "count:poisson"}, False),
        "xgboost_categories": (labels, {"objective": "binary:logistic", "tree_method": "hist", "max_cat_to_onehot": 2}, True),
        "xgboost_two_targets": (numpy.stack([score, -2 * score + x[:, 1]], 1),
                                {"objective": "reg:squarederror", "multi_strategy": "multi_output_tree", "tree_method": "hist"}, False),
    }
    for name, (target, settings, categories) in cases.items():
        more = {"feature_types": types, "enable_categorical": True} if categories else {}
        train = xgboost.DMatrix(x, target, **more)
        ask = xgboost.DMatrix(rows, **more)
        model = xgboost.train({"max_depth": 4, "eta": 0.4, "seed": 1, "nthread": 1, **settings}, train, 6)
        for suffix in ("json", "ubj") if name == "xgboost_binary" else ("json",):
            path = os.path.join(TO, f"{name}.{suffix}")
            model.save_model(path)
            pairs[f"{name}.{suffix}"] = entry(rows, model.predict(ask, output_margin=True), model.predict(ask),
                                              None if "two_targets" in name else model.predict(ask, pred_contribs=True))


def lightgbm_pairs(pairs):
    x, score = data()
    rows = probe(x)
    labels = (score > 0).astype(int)
    classes = numpy.digitize(score, [-1, 0.5])
    counts = numpy.random.default_rng(1).poisson(numpy.exp(score / 3))
    cases = {
        "lightgbm_binary": (labels, {"objective": "binary"}),
        "lightgbm_multiclass": (classes, {"objective": "multiclass", "num_class": 3}),
        "lightgbm_categories": (labels, {"objective": "binary", "categorical_feature": [3], "min_data_per_group": 5, "cat_smooth": 1}),
        "lightgbm_forest": (score, {"objective": "regression", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}),
        "lightgbm_poisson": (counts, {"objective": "poisson"}),
        "lightgbm_no_missing": (score, {"objective": "regression", "use_missing": False}),
        "lightgbm_linear": (labels, {"objective": "binary", "linear_tree": True, "min_data_in_leaf": 10}),
    }
    for name, (target, settings) in cases.items():
        settings = {"num_leaves": 9, "learning_rate": 0.3, "verbose": -1, "seed": 1, "num_threads": 1, "deterministic": True, **settings}
        categorical = settings.pop("categorical_feature", "auto")
        model = lightgbm.train(settings, lightgbm.Dataset(x, target, categorical_feature=categorical), 6)
        model.save_model(os.path.join(TO, f"{name}.txt"))
        # Of a forest it predicts the mean of the trees, but gives their sum for the raw score.
        parts = 6 if settings.get("boosting") == "rf" else 1
        pairs[f"{name}.txt"] = entry(rows, model.predict(rows, raw_score=True) / parts, model.predict(rows),
                                     None if settings.get("linear_tree") else model.predict(rows, pred_contrib=True) / parts)


def entry(rows, raw, predicted, shap):
    n = len(rows)
    return {"rows": listed(rows), "raw": listed(numpy.reshape(raw, (n, -1))),
            "predicted": listed(numpy.reshape(predicted, (n, -1))),
            "shap": None if shap is None else listed(numpy.reshape(shap, (n, -1)))}


def main():
    os.makedirs(TO, exist_ok=True)
    pairs = {}
    xgboost_pairs(pairs)
    lightgbm_pairs(pairs)
    with open(os.path.join(TO, "pairs.json"), "w", encoding="utf-8") as file:
        json.dump({"xgboost": xgboost.__version__, "lightgbm": lightgbm.__version__, "pairs": pairs}, file)
        file.write("\n")


if __name__ == "__main__":
    main()
