"""Numbers that the transforms must reproduce, computed by scikit-learn 1.9.1, SciPy, NumPy and Python's datetime.

    python scripts/golden/transforms.py > tests/golden/transforms.json
"""

import datetime
import json
import math
import sys

import numpy as np
import scipy.stats
import sklearn
from sklearn.decomposition import PCA
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import (KBinsDiscretizer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, PolynomialFeatures, PowerTransformer,
                                   RobustScaler, StandardScaler, TargetEncoder)

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


def power():
    """Skewed numbers; the lambdas of scikit-learn, and what SciPy makes of the numbers with them."""
    x = np.column_stack([rng.lognormal(size=60), rng.gamma(2, 3, size=60), rng.normal(size=60) * 5 + 1, -rng.gamma(2, 3, size=60)])
    positive = x[:, :2]
    box, yeo = PowerTransformer("box-cox", standardize=False).fit(positive), PowerTransformer("yeo-johnson", standardize=False).fit(x)
    boxed = [scipy.stats.boxcox(c, lmbda=lam) for c, lam in zip(positive.T, box.lambdas_)]
    bent = [scipy.stats.yeojohnson(c, lmbda=lam) for c, lam in zip(x.T, yeo.lambdas_)]
    assert np.allclose(boxed, box.transform(positive).T) and np.allclose(bent, yeo.transform(x).T)
    return {"x": columns(x), "box_cox": {"lambdas": box.lambdas_, "values": boxed},
            "yeo_johnson": {"lambdas": yeo.lambdas_, "values": bent}}


def bins():
    x = np.column_stack([rng.normal(size=50), rng.integers(0, 4, size=50), rng.lognormal(size=50)])
    made = {name: KBinsDiscretizer(4, encode="ordinal", strategy=strategy, quantile_method="linear").fit(x)
            for name, strategy in (("width", "uniform"), ("quantile", "quantile"))}
    wild = np.array([[-99.0, 99.0, 0.5]])
    return {"x": columns(x), "wild": wild[0], **{name: {"edges": [e[1:-1] for e in m.bin_edges_], "values": columns(m.transform(x)),
                                                       "wild": m.transform(wild)[0]} for name, m in made.items()}}


def target_encode():
    levels = rng.choice(list("abcdef"), size=80, p=[0.4, 0.3, 0.1, 0.1, 0.07, 0.03])
    y = rng.normal(size=80) * 3 + 100 + np.array([ord(c) - 97 for c in levels])
    classes = np.where(y > 104, "z", np.where(y > 101, "m", "c"))
    column = levels.reshape(-1, 1)
    result = {"levels": levels, "y": y, "classes": classes}
    for name, smooth in (("auto", "auto"), ("10", 10.0)):
        result[name] = {
            "regression": TargetEncoder(smooth=smooth, target_type="continuous").fit(column, y).transform(column)[:, 0],
            "binary": TargetEncoder(smooth=smooth, target_type="binary").fit(column, classes == "z").transform(column)[:, 0],
            "multiclass": columns(TargetEncoder(smooth=smooth, target_type="multiclass").fit(column, classes).transform(column)),
        }
    result["ordinal"] = OrdinalEncoder().fit_transform(column)[:, 0]
    return result


def hashing():
    texts = ["The cat sat on the mat", "the dog, the DOG!", "", "a b c", "Ein Käfer krabbelt über Straßen", "cat " * 9 + "mat"]
    words = {f"{low}-{high} {'signed' if sign else 'plain'}":
             HashingVectorizer(n_features=32, ngram_range=(low, high), alternate_sign=sign).transform(texts).toarray()
             for low, high, sign in ((1, 1, True), (1, 2, True), (2, 2, False))}
    cities = ["Bern", "Zürich", "Bern", "a much longer name than four bytes", ""]
    hashed = FeatureHasher(n_features=16, input_type="dict").transform([{f"city={c}": 1.0} for c in cities]).toarray()
    return {"texts": texts, "words": words, "cities": cities, "hashed": hashed}


def pca():
    x = rng.normal(size=(30, 4)) @ rng.normal(size=(4, 6)) + rng.normal(size=(30, 6)) * 0.01 + [5, -3, 0, 1e4, 2, 1]
    wide = rng.normal(size=(5, 9))
    result = {"x": columns(x), "wide": columns(wide)}
    for name, data, options in (("all", x, {}), ("two_whitened", x, {"n_components": 2, "whiten": True}),
                                ("most", x, {"n_components": 0.9, "svd_solver": "full"}), ("wide_four", wide, {"n_components": 4})):
        fitted = PCA(**options).fit(data)
        result[name] = {"vectors": fitted.components_, "shares": fitted.explained_variance_ratio_, "scores": columns(fitted.transform(data))}
    return result


x = numbers()
weights = rng.integers(0, 4, size=23).astype(float)
json.dump(plain({
    "x": columns(x), "weights": weights, "impute": impute(x), "scale": scale(x, weights),
    "quantiles": quantiles(x, weights), "one_hot": one_hot(), "polynomial": polynomial(), "tf_idf": tf_idf(),
    "dates": dates(), "describe": describe(x), "power": power(), "bins": bins(), "target_encode": target_encode(),
    "hashing": hashing(), "pca": pca(),
}), sys.stdout, ensure_ascii=True, indent=None, separators=(",", ":"))
print()
