#!/usr/bin/env python3
"""Boosting with its default settings beside XGBoost, LightGBM and CatBoost with theirs: the error on held-out rows, and mean ranks.

    bench/accuracy.py PROGRAM [--data NAME ...] [--seeds 5] [--only cairn]      run by bench/.venv/bin/python, which `make bench` sets up

Each seed permutes the rows; the first 80 % train. Categories are given to each program as categories, missing values as missing. Every
result is kept in bench/results/accuracy.json by data, seed and program, so that a stopped run goes on and a whole one can be made in pieces
(`--data adult titanic`, `--seeds 2`, `--only cairn`, `--table` alone); those of another build of Cairn are made again. A program that
fails is told and left out, and the exit code is then 1.
The error is log loss for classes and RMSE for numbers, lower is better; accuracy is shown beside it.
"""
import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy
import pandas

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
DATA = os.environ.get("CAIRN_DATA", os.path.join(ROOT, "..", "shared", "data"))
KEPT = os.path.join(ROOT, "bench", "results", "accuracy.json")
THREADS = 2


# --- the data: a frame and the name of its target; text columns are categories ---------------------------------------------------


def read(path, **how):
    return pandas.read_csv(os.path.join(DATA, path), **how)


def adult():
    frame = pandas.concat([read(f"adult/adult-{part}.csv.gz", header=None, skipinitialspace=True, na_values="?") for part in ("train", "test")])
    frame.columns = [f"c{i}" for i in range(15)]
    frame["c14"] = frame["c14"].str.rstrip(".")
    return frame, "c14"


def titanic():
    return read("titanic/train.csv").drop(columns=["PassengerId", "Name", "Ticket", "Cabin"]), "Survived"


def german():
    frame = read("small_tabular/german.csv", header=None)
    frame.columns = [f"c{i}" for i in range(frame.shape[1])]
    return frame, frame.columns[-1]


def wine(colour):
    frame = read(f"wine_quality/winequality-{colour}.csv", header=None, sep=None, engine="python")
    frame.columns = [f"c{i}" for i in range(12)]
    return frame.astype({"c11": float}), "c11"


def lightgbm_example(name):
    frame = pandas.concat([read(f"{name}.{part}.tsv.gz", sep="\t", header=None) for part in ("train", "test")])
    frame.columns = ["label"] + [f"x{i}" for i in range(28)]
    return frame, "label"


def kddcup(two):
    frame = read("kddcup99/kddcup.data_10_percent.gz", header=None)
    frame.columns = [f"c{i}" for i in range(42)]
    if two:
        frame["c41"] = numpy.where(frame["c41"].str.startswith("normal"), "normal", "attack")
    return frame, "c41"


def cover_like():
    """Seven kinds of forest by height, slope and soil: numbers, two one-hot groups, interactions, classes of unequal size."""
    draw, n = numpy.random.default_rng(54), 40_000
    numbers = draw.standard_normal((n, 10))
    soil, area = draw.integers(0, 40, n), draw.integers(0, 4, n)
    soil_effect, area_effect = draw.standard_normal((40, 7)), draw.standard_normal((4, 7))
    weight = draw.standard_normal((10, 7))
    score = numbers @ weight + soil_effect[soil] + area_effect[area] + 1.5 * numpy.sin(2 * numbers[:, :1]) * weight[1] + numbers[:, 1:2] * numbers[:, 2:3] * weight[3]
    score += numpy.linspace(1.5, -1.5, 7) + draw.gumbel(size=(n, 7))
    frame = pandas.DataFrame(numbers, columns=[f"x{i}" for i in range(10)])
    for k in range(40):
        frame[f"soil{k}"] = (soil == k).astype(int)
    for k in range(4):
        frame[f"area{k}"] = (area == k).astype(int)
    frame["cover"] = score.argmax(1)
    return frame, "cover"


def bank_like():
    """Whether a caller says yes: categories of 3 to 300 levels, counts with a long tail, missing values, 12 % of yes."""
    draw, n = numpy.random.default_rng(11), 40_000
    frame, score = pandas.DataFrame(), numpy.zeros(n)
    for name, levels in (("job", 12), ("marital", 3), ("town", 300), ("month", 12), ("before", 4)):
        code, effect = draw.integers(0, levels, n), draw.standard_normal(levels) * 0.7
        frame[name] = numpy.array([f"{name}{i}" for i in range(levels)])[code]
        score += effect[code]
    age, balance, calls = draw.gamma(8, 5, n), draw.standard_t(3, n) * 1500, draw.poisson(2.5, n)
    length = draw.lognormal(5, 0.8, n)
    score += 1.2 * numpy.log(length / 150) - 0.0008 * (age - 40) ** 2 + 0.3 * (balance > 0) - 0.2 * calls + 0.4 * (frame["before"] == "before1") * (calls < 2)
    frame["age"], frame["balance"], frame["calls"], frame["length"] = age, numpy.where(draw.random(n) < 0.1, numpy.nan, balance), calls, length
    score += draw.logistic(size=n)
    frame["yes"] = numpy.where(score > numpy.quantile(score, 0.88), "yes", "no")
    return frame, "yes"


SETS = {
    "adult": adult,
    "california": lambda: (read("california_housing/housing.csv"), "median_house_value"),
    "diamonds": lambda: (read("diamonds/diamonds.csv.gz").astype({"price": float}), "price"),
    "titanic": titanic,
    "german": german,
    "wine red": lambda: wine("red"),
    "wine white": lambda: wine("white"),
    "higgs 7000": lambda: lightgbm_example("higgs_7000/binary"),
    "lightgbm multiclass": lambda: lightgbm_example("lightgbm_multiclass/multiclass"),
    "cover-like": cover_like,
    "bank-like": bank_like,
    "kddcup99, attack": lambda: kddcup(True),
    "kddcup99, 23 classes": lambda: kddcup(False),
}
ONCE = ("kddcup99, 23 classes",)  # one seed


# --- the programs: from a training and a test frame to predictions -------------------------------------------------------------------


def is_number_target(frame, target):
    return pandas.api.types.is_float_dtype(frame[target])


def text_columns(frame, target):
    return [c for c in frame.columns if c != target and not pandas.api.types.is_numeric_dtype(frame[c])]


class Parts:
    """Both parts as each program wants them."""

    def __init__(self, frame, target, seed):
        order = numpy.random.RandomState(seed).permutation(len(frame))
        cut = int(0.8 * len(frame))
        frame = frame.reset_index(drop=True)
        self.target, self.regression = target, is_number_target(frame, target)
        self.categories = text_columns(frame, target)
        self.train, self.test = frame.iloc[order[:cut]].copy(), frame.iloc[order[cut:]].copy()
        if not self.regression:  # a class that the training rows lack cannot be predicted by anyone
            self.classes = sorted(self.train[target].unique().tolist())
            self.test = self.test[self.test[target].isin(self.classes)]

    def x(self, part, kind):
        frame = part.drop(columns=[self.target])
        for c in self.categories:
            levels = sorted(self.train[c].dropna().unique().tolist())
            frame[c] = frame[c].astype(object).where(frame[c].isin(levels))
            frame[c] = pandas.Categorical(frame[c], categories=levels) if kind == "category" else frame[c].where(frame[c].notna(), "missing").astype(str)
        return frame

    def y(self, part):
        if self.regression:
            return part[self.target].to_numpy(float)
        return part[self.target].map({c: i for i, c in enumerate(self.classes)}).to_numpy(int)

    def error(self, said):
        y = self.y(self.test)
        if self.regression:
            return {"error": float(numpy.sqrt(numpy.mean((said - y) ** 2)))}
        said = numpy.clip(said, 1e-15, None)
        said = said / said.sum(1, keepdims=True)
        return {"error": float(-numpy.mean(numpy.log(said[numpy.arange(len(y)), y]))), "accuracy": float(numpy.mean(said.argmax(1) == y))}


def with_xgboost(p):
    import xgboost
    kind = xgboost.XGBRegressor if p.regression else xgboost.XGBClassifier
    model = kind(enable_categorical=True, n_jobs=THREADS).fit(p.x(p.train, "category"), p.y(p.train))
    x = p.x(p.test, "category")
    return model.predict(x) if p.regression else model.predict_proba(x)


def with_lightgbm(p):
    import lightgbm
    kind = lightgbm.LGBMRegressor if p.regression else lightgbm.LGBMClassifier
    model = kind(n_jobs=THREADS, verbose=-1).fit(p.x(p.train, "category"), p.y(p.train))
    x = p.x(p.test, "category")
    return model.predict(x) if p.regression else model.predict_proba(x)


def with_catboost(p):
    import catboost
    kind = catboost.CatBoostRegressor if p.regression else catboost.CatBoostClassifier
    model = kind(thread_count=THREADS, verbose=False, allow_writing_files=False, cat_features=p.categories).fit(p.x(p.train, "text"), p.y(p.train))
    x = p.x(p.test, "text")
    return model.predict(x) if p.regression else model.predict_proba(x)


def with_cairn(p, program, settings=()):
    with tempfile.TemporaryDirectory() as folder:
        names = {}
        for name, part in (("train", p.train), ("test", p.test)):
            names[name] = os.path.join(folder, name + ".csv")
            part.to_csv(names[name], index=False)
        command = [program, "train", names["train"], "--test", names["test"], "--target", p.target, "--learner", "gradient_boosting", "--no-doctor", "--threads", str(THREADS),
                   "--out", os.path.join(folder, "run"), "--quiet",
                   "--task", "regression" if p.regression else "binary" if len(p.classes) == 2 else "multiclass"]
        if p.categories:
            command += ["--types", ",".join(f"{c}=category" for c in p.categories)]
        for setting in settings:
            command += ["--set", setting]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(folder, "run", "result.json"), encoding="utf-8") as file:
            p.fit_seconds = json.load(file)["seconds"]["fit"]
        out = os.path.join(folder, "said.csv")
        subprocess.run([program, "predict", os.path.join(folder, "run"), names["test"], "--probabilities", "--out", out, "--quiet"], check=True, stdout=subprocess.DEVNULL)
        said = pandas.read_csv(out)
        return said["prediction"].to_numpy() if p.regression else said[[f"p_{c}" for c in p.classes]].to_numpy()


# --- the table ------------------------------------------------------------------------------------------------------------------------


def digest(program):
    with open(program, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


def load():
    if not os.path.exists(KEPT):
        return {}
    with open(KEPT, encoding="utf-8") as file:
        return json.load(file)


def save(kept):
    with open(KEPT + ".new", "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=1, sort_keys=True)
    os.replace(KEPT + ".new", KEPT)


def table(kept, programs):
    print(f"{'data':22}" + "".join(f"{p:>22}" for p in programs))
    ranks = {p: [] for p in programs}
    for name in SETS:
        seeds = kept.get(name, {})
        errors = {p: [seeds[s][p]["error"] for s in sorted(seeds) if all(q in seeds[s] for q in programs)] for p in programs}
        if not errors[programs[0]]:
            continue
        means = {p: numpy.mean(errors[p]) for p in programs}
        order = sorted(programs, key=means.get)
        line = f"{name:22}"
        for p in programs:
            half = 1.96 * numpy.std(errors[p], ddof=1) / numpy.sqrt(len(errors[p])) if len(errors[p]) > 1 else float("nan")
            ranks[p].append(order.index(p) + 1)
            line += f"{means[p]:12.5g} ±{half:6.2g} #{ranks[p][-1]}"
        print(line)
    if ranks[programs[0]]:
        print(f"{'mean rank':22}" + "".join(f"{numpy.mean(ranks[p]):22.2f}" for p in programs))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--data", nargs="*", default=list(SETS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=["cairn", "xgboost", "lightgbm", "catboost"])
    parser.add_argument("--table", action="store_true", help="print what is kept and measure nothing")
    options = parser.parse_args()
    failed = []
    kept, build = load(), digest(options.program)
    runners = {"cairn": lambda p: with_cairn(p, os.path.abspath(options.program)), "xgboost": with_xgboost, "lightgbm": with_lightgbm, "catboost": with_catboost}
    for name in [] if options.table else options.data:
        frame, target = SETS[name]()
        for seed in range(1 if name in ONCE else options.seeds):
            for who in options.only:
                here = kept.setdefault(name, {}).setdefault(str(seed), {})
                if who in here and (who != "cairn" or here[who].get("build") == build):
                    continue
                parts = Parts(frame, target, seed)
                begin = time.perf_counter()
                try:
                    found = parts.error(runners[who](parts))
                except Exception as error:  # of any program: the others are still to be measured
                    failed.append(f"{name}, seed {seed}, {who}")
                    print(f"{failed[-1]} failed: {error}", file=sys.stderr, flush=True)
                    continue
                found["seconds"] = getattr(parts, "fit_seconds", time.perf_counter() - begin)
                if who == "cairn":
                    found["build"] = build
                here[who] = found
                save(kept)
                print(f"{name}, seed {seed}, {who}: {found}", file=sys.stderr, flush=True)
    table(kept, ["cairn", "xgboost", "lightgbm", "catboost"])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
