"""Writes tests/golden/metrics.json: cases for the metrics and curves, judged by scikit-learn.

python scripts/golden/metrics.py      (numpy, scikit-learn 1.9.1)
"""

import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn import metrics as m

warnings.simplefilter("ignore")
CLASSES = [0, 1, 2, 3]


def expected_calibration_error(y, p, w):
    """Guo et al. 2017, 15 bins by numpy.digitize (scikit-learn has no such metric)."""
    w = np.ones(len(y)) if w is None else w
    top, confidence = p.argmax(1), p.max(1)
    edges = np.linspace(0, 1, 16)
    at = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, 14)
    hit = (top == y).astype(float)
    gaps = [abs(np.sum(w[at == b] * (hit[at == b] - confidence[at == b]))) for b in range(15)]
    return sum(gaps) / w.sum()


def classification(y, p, w, decisions, positive=None):
    """positive: the positive class of a binary case; None for several classes."""
    k = p.shape[1]
    labels = list(range(k))
    sw = {"sample_weight": w}
    out = {
        "accuracy": m.accuracy_score(y, decisions, **sw),
        "balanced_accuracy": m.balanced_accuracy_score(y, decisions, **sw),
        "f1_macro": m.f1_score(y, decisions, average="macro", **sw),
        "f1_weighted": m.f1_score(y, decisions, average="weighted", **sw),
        "mcc": m.matthews_corrcoef(y, decisions, **sw),
        "cohen_kappa": m.cohen_kappa_score(y, decisions, **sw),
        "log_loss": m.log_loss(y, p, labels=labels, **sw),
        "ece": expected_calibration_error(y, p, w),
    }
    if positive is not None:
        truth, score = (y == positive).astype(int), p[:, positive]
        out |= {
            "precision": m.precision_score(y, decisions, pos_label=positive, **sw),
            "recall": m.recall_score(y, decisions, pos_label=positive, **sw),
            "f1": m.f1_score(y, decisions, pos_label=positive, **sw),
            "roc_auc": m.roc_auc_score(truth, score, **sw),
            "average_precision": m.average_precision_score(truth, score, **sw),
            "brier": m.brier_score_loss(truth, score, **sw),
        }
    else:
        out |= {
            "roc_auc": m.roc_auc_score(y, p, multi_class="ovr", average="macro", labels=labels, **sw),
            "average_precision": m.average_precision_score(y, p, average="macro", **sw),
            "brier": m.brier_score_loss(y, p, labels=labels, **sw),
        }
    case = {
        "task": "binary" if positive is not None else "multiclass",
        "positive": 1 if positive is None else positive,
        "labels": y.tolist(),
        "decisions": decisions.tolist(),
        "probabilities": p.ravel().tolist(),
        "num_classes": k,
        "weights": [] if w is None else w.tolist(),
        "expected": {name: float(v) for name, v in out.items()},
    }
    if positive is not None:
        fpr, tpr, _ = m.roc_curve(truth, score, drop_intermediate=False, **sw)
        precision, recall, _ = m.precision_recall_curve(truth, score, **sw)
        case["roc"] = np.stack([fpr, tpr], 1).tolist()
        case["pr"] = np.stack([recall, precision], 1)[::-1].tolist()
    return case


def regression(y, p, w):
    sw = {"sample_weight": w}
    kept = slice(None) if w is None else w > 0
    out = {
        "mse": m.mean_squared_error(y, p, **sw),
        "rmse": m.root_mean_squared_error(y, p, **sw),
        "mae": m.mean_absolute_error(y, p, **sw),
        "median_ae": m.median_absolute_error(y, p, **sw),
        "r2": m.r2_score(y, p, **sw),
        "mape": m.mean_absolute_percentage_error(y, p, **sw),
        "max_error": m.max_error(y[kept], p[kept]),
        "pinball": m.mean_pinball_loss(y, p, alpha=0.5, **sw),
    }
    return {
        "task": "regression",
        "truth": y.tolist(),
        "predicted": p.tolist(),
        "weights": [] if w is None else w.tolist(),
        "expected": {name: float(v) for name, v in out.items()},
    }


def main():
    g = np.random.default_rng(0)
    cases = {}

    def softmax(z):
        e = np.exp(z - z.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    for name, n, digits, weighted, positive in [
        ("binary", 60, None, None, 1),
        ("binary with ties", 80, 1, None, 1),
        ("binary, weights", 60, None, "real", 1),
        ("binary, ties, whole weights with zeros", 90, 1, "whole", 1),
        ("binary, first class positive", 70, 2, "real", 0),
        ("binary, four rows", 4, None, None, 1),
    ]:
        y = g.integers(0, 2, n)
        y[:2] = [0, 1]
        s = 1 / (1 + np.exp(-(1.2 * (2 * y - 1) + g.normal(size=n) * 1.5)))
        s = s if digits is None else np.round(s, digits)
        p = np.stack([1 - s, s], 1)
        w = None if weighted is None else g.uniform(0.1, 3, n) if weighted == "real" else g.integers(0, 4, n).astype(float)
        cases[name] = classification(y, p, w, (s >= 0.45).astype(int), positive)

    for name, n, digits, weighted in [
        ("four classes", 90, None, None),
        ("four classes with ties", 90, 1, None),
        ("four classes, weights", 80, None, "real"),
    ]:
        y = np.concatenate([CLASSES, g.choice(4, n - 4, p=[0.5, 0.3, 0.15, 0.05])])
        p = softmax(1.5 * np.eye(4)[y] + g.normal(size=(n, 4)))
        if digits is not None:
            p = np.round(p, digits)
            p[:, 0] = 1 - p[:, 1:].sum(1)
        w = None if weighted is None else g.uniform(0.1, 3, n)
        cases[name] = classification(y, p, w, p.argmax(1))

    y = g.integers(0, 3, 40)
    y[:3] = [0, 1, 2]
    p = softmax(np.eye(3)[y] + g.normal(size=(40, 3)))
    decisions = p.argmax(1)
    decisions[decisions == 2] = 1
    cases["a class never decided for"] = classification(y, p, None, decisions)

    y = np.array([0, 1, 1, 0, 1])
    s = np.array([0.0, 1.0, 0.0, 1.0, 0.7])
    cases["certain and wrong"] = classification(y, np.stack([1 - s, s], 1), None, (s >= 0.5).astype(int), 1)

    for name, n, weighted in [
        ("regression", 51, None),
        ("regression, even number of rows", 50, None),
        ("regression, weights", 50, "real"),
        ("regression, whole weights with zeros", 60, "whole"),
        ("regression, two rows", 2, None),
    ]:
        y = g.normal(size=n) * 10 + 40
        p = y + g.normal(size=n) * 3
        w = None if weighted is None else g.uniform(0.1, 3, n) if weighted == "real" else g.integers(0, 4, n).astype(float)
        cases[name] = regression(y, p, w)
    cases["regression, large offset"] = regression(1e8 + g.normal(size=40), 1e8 + g.normal(size=40), None)

    path = pathlib.Path(__file__).parents[2] / "tests/golden/metrics.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"scikit-learn": sklearn.__version__, "cases": cases})
    path.write_text(text.replace('}, "', '},\n"') + "\n")
    print(path, len(cases), "cases,", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
