"""Numbers that the transforms must reproduce, computed by scikit-learn 1.9.1, NumPy and Python's datetime.

    python scripts/golden/transforms.py > tests/golden/transforms.json
"""

import datetime
import json
import math
import sys

import numpy as np
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, PolynomialFeatures, RobustScaler, StandardScaler

assert sklearn.__version__ == "1.9.1", sklearn.__version__
rng = np.random.default_rng(7)


def plain(x):
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple, np.ndarray)):
        return [plain(v) for v in x]
    if isinstance(x, np.generic):
        x = x.item()
    return None if isinstance(x, float) and math.isnan(x) else x


def columns(matrix):
    return np.asarray(matrix).T


def numbers():
    x = rng.normal(size=(23, 5)) * [1, 1000, 1e-6, 3, 1] + [0, 5e4, 0, 7, 0]
    x[:, 3] = rng.integers(0, 5, size=23)
    x[:, 4] = 0.1  # constant, and not exactly so once it is averaged
    x[[2, 5], 0] = np.nan
    x[[0, 1, 22], 3] = np.nan
    return x


def impute(x):
    out = {}
    for how in ("mean", "median", "most_frequent"):
        out[how] = SimpleImputer(strategy=how).fit(x).statistics_
    return out


def scale(x, weights):
    return {
        "standard": columns(StandardScaler().fit_transform(x)),
        "standard_weighted": columns(StandardScaler().fit(x[6:20, :3], sample_weight=weights[6:20]).transform(x[6:20, :3])),
        "min_max": columns(MinMaxScaler().fit_transform(x)),
        "robust": columns(RobustScaler().fit_transform(x)),
    }


def quantiles(x, weights):
    probabilities = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1]
    repeated = np.repeat(x[6:20, 0], weights[6:20].astype(int))
    return {
        "probabilities": probabilities,
        "plain": np.nanquantile(x[:, 0], probabilities),
        "weighted": np.quantile(repeated, probabilities),
    }


def one_hot():
    cells = np.array(list("bacabbbdcbaeaabfbb"), dtype=object).reshape(-1, 1)
    out = {"cells": cells[:, 0]}
    for name, options in {
        "plain": {},
        "drop_first": {"drop": "first"},
        "min_frequency": {"min_frequency": 2},
        "max_levels": {"max_categories": 3},
    }.items():
        encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore", **options)
        out[name] = columns(encoder.fit_transform(cells))
        out[name + "_names"] = [n.replace("x0_", "letter=").replace("infrequent_sklearn", "other")
                                for n in encoder.get_feature_names_out()]
    return out


def polynomial():
    x = rng.uniform(-1, 1, size=(5, 2))
    x4 = rng.uniform(-1, 1, size=(4, 4))
    six = PolynomialFeatures(6, include_bias=False)
    products = PolynomialFeatures(3, interaction_only=True, include_bias=False)
    out = {"x": columns(x), "degree_6": columns(six.fit_transform(x))}
    out["degree_6_names"] = [n.replace(" ", "*") for n in six.get_feature_names_out(["x1", "x2"])]
    out["x4"] = columns(x4)
    out["products"] = columns(products.fit_transform(x4))
    out["products_names"] = [n.replace(" ", "*") for n in products.get_feature_names_out(list("abcd"))]
    return out


TEXTS = [
    "Free entry in 2 a wkly comp to WIN FA Cup final tkts!! Text FA to 87121",
    "U dun say so early hor... U c already then say... free FREE free",
    "Nah I don't think he goes to usf, he lives around here though",
    "L'été à Zürich: STRASSE und Straße, ΛΟΓΟΣ λόγος ΛΟΓΟΣ, naïve café_bar",
    "Das ist Zürich; l'été en café, Straße, λογος",
    "日本語 テキスト 日本語 x² ½cup ① e\u0301clair",
    "日本語 free entry to the cup final x² e\u0301clair",
    "",
    "a b c ! ?",
    "İstanbul'da İSTANBUL istanbul",
]


def tf_idf():
    out = {"texts": TEXTS}
    for name, options in {
        "default": {"ngram_range": (1, 2), "min_df": 2, "sublinear_tf": True},
        "words": {"ngram_range": (1, 1), "min_df": 1, "sublinear_tf": False},
        "cased": {"ngram_range": (2, 3), "min_df": 1, "sublinear_tf": True, "lowercase": False},
        "three": {"ngram_range": (1, 1), "min_df": 2, "max_features": 1, "sublinear_tf": True},
    }.items():
        vectorizer = TfidfVectorizer(**options)
        x = vectorizer.fit_transform(TEXTS)
        x.sort_indices()
        out[name] = {
            "terms": vectorizer.get_feature_names_out(),
            "idf": vectorizer.idf_,
            "indptr": x.indptr,
            "indices": x.indices,
            "values": x.data,
        }
    return out


def dates():
    stamps = ["1970-01-01T00:00:00", "2024-02-29T23:59:59", "1969-12-31T13:30:00", "2000-12-31T00:00:00",
              "1900-03-01T07:00:00", "2023-11-19T12:00:00"]
    times = [datetime.datetime.fromisoformat(s).replace(tzinfo=datetime.timezone.utc) for s in stamps]
    first = min(times)
    return {
        "seconds": [int(t.timestamp()) for t in times],
        "parts": {
            "year": [t.year for t in times],
            "month": [t.month for t in times],
            "day": [t.day for t in times],
            "weekday": [t.weekday() for t in times],
            "hour": [t.hour for t in times],
            "day of year": [t.timetuple().tm_yday for t in times],
            "elapsed days": [(t - first) / datetime.timedelta(days=1) for t in times],
        },
    }


def describe(x):
    """Of column a; and how column d, as a target, differs over the letters and over the classes of column d."""
    a, d = x[:, 0], np.nan_to_num(x[:, 3], nan=2)
    present = a[~np.isnan(a)]
    letters = np.array(list("abcabcaabbccaaabbbcabca"))
    means = {letter: d[letters == letter].mean() for letter in "abc"}
    between = sum((letters == letter).sum() * (means[letter] - d.mean()) ** 2 for letter in "abc")
    classes = np.where(d > 1, "high", "low")
    shares = {letter: [(classes[letters == letter] == c).mean() for c in ("high", "low")] for letter in "abc"}
    total = [(classes == c).mean() for c in ("high", "low")]
    gini = 1 - sum(p * p for p in total)
    within = sum((letters == letter).mean() * (1 - sum(p * p for p in shares[letter])) for letter in "abc")
    return {
        "mean": present.mean(), "deviation": present.std(), "low": present.min(), "high": present.max(),
        "quantiles": np.quantile(present, [0.05, 0.25, 0.5, 0.75, 0.95]), "histogram": np.histogram(present, 20)[0],
        "letters": letters, "d": d, "means": means, "eta_squared": between / (((d - d.mean()) ** 2).sum()),
        "classes": classes, "shares": shares, "tau": (gini - within) / gini,
    }


x = numbers()
weights = rng.integers(0, 4, size=23).astype(float)
json.dump(plain({
    "x": columns(x), "weights": weights, "impute": impute(x), "scale": scale(x, weights),
    "quantiles": quantiles(x, weights), "one_hot": one_hot(), "polynomial": polynomial(), "tf_idf": tf_idf(),
    "dates": dates(), "describe": describe(x),
}), sys.stdout, ensure_ascii=True, indent=None, separators=(",", ":"))
print()
