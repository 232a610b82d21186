#!/usr/bin/env python3
"""Compares settings of gradient_boosting, on data that bench/accuracy.py does not report: what is chosen here is judged there.

    bench/settings.py PROGRAM SEEDS default trees=500,learning_rate=0.03 xgboost lightgbm catboost

A setting is a list of --set values; a peer's name stands for that peer with its defaults. Printed is 100 * log(error / error of the first),
for each data set and on average (below 0 is better), the mean rank and the seconds of fitting. OMP_WAIT_POLICY=PASSIVE helps on a busy machine.
"""
import json
import os
import subprocess
import sys
import tempfile

import accuracy
import numpy
import pandas
from sklearn import datasets


def small(name):
    frame = accuracy.read(f"small_tabular/{name}.csv", header=None)
    frame.columns = [f"c{i}" for i in range(frame.shape[1])]
    return frame, frame.columns[-1]


def numbers(x, y):
    frame = pandas.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])])
    frame["y"] = y
    return frame, "y"


def toy(load, regression):
    data = load()
    return numbers(data.data, data.target.astype(float) if regression else data.target)


def higgs_like(n):
    draw = numpy.random.default_rng(3)
    x, w = draw.standard_normal((n, 28)), draw.standard_normal(28)
    logit = 0.5 * x @ w + x[:, 0] * x[:, 1] - 0.7 * x[:, 2] ** 2 + 0.5
    return numbers(x, (draw.random(n) < 1 / (1 + numpy.exp(-logit))).astype(int))


def categories(n, seed, regression):
    draw, frame, score = numpy.random.default_rng(seed), pandas.DataFrame(), numpy.zeros(n)
    for i, levels in enumerate((3, 8, 20, 150)):
        code, effect = draw.integers(0, levels, n), draw.standard_normal(levels)
        frame[f"k{i}"] = numpy.array([f"l{j}" for j in range(levels)])[code]
        score += effect[code]
    x = draw.standard_normal((n, 6))
    score += numpy.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + numpy.abs(x[:, 3])
    for i in range(6):
        frame[f"x{i}"] = x[:, i]
    noisy = score + 1.5 * draw.standard_normal(n) if regression else score + draw.logistic(size=n)
    frame["y"] = noisy if regression else numpy.where(noisy > numpy.median(score), "yes", "no")
    return frame, "y"


SETS = {
    "pima": lambda: small("pima-indians-diabetes"),
    "sonar": lambda: small("sonar"),
    "ionosphere": lambda: small("ionosphere"),
    "glass": lambda: small("glass"),
    "haberman": lambda: small("haberman"),
    "diabetes": lambda: toy(datasets.load_diabetes, True),
    "cancer": lambda: toy(datasets.load_breast_cancer, False),
    "digits": lambda: toy(datasets.load_digits, False),
    "friedman1": lambda: numbers(*datasets.make_friedman1(1500, noise=1.5, random_state=1)),
    "friedman2": lambda: numbers(*datasets.make_friedman2(4000, noise=80, random_state=1)),
    "friedman3": lambda: numbers(*datasets.make_friedman3(3000, noise=0.3, random_state=1)),
    "H 5,000": lambda: higgs_like(5000),
    "H 30,000": lambda: higgs_like(30000),
    "cats 3,000": lambda: categories(3000, 1, True),
    "cats 20,000": lambda: categories(20000, 2, False),
    "5 classes": lambda: numbers(*datasets.make_classification(6000, 30, n_informative=12, n_classes=5, flip_y=0.1, random_state=2)),
}


def main():
    program, seeds, settings = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    build = accuracy.digest(program)
    path = os.path.join(tempfile.gettempdir(), "cairn_settings.json")  # results of earlier calls
    kept = json.load(open(path, encoding="utf-8")) if os.path.exists(path) else {}

    def key_of(name, seed, setting):
        return f"{name}|{seed}|{setting}|{'' if hasattr(accuracy, f'with_{setting}') else build}"

    for name, make in SETS.items():
        frame, target = make()
        for seed in range(seeds):
            for setting in settings:
                peer = getattr(accuracy, f"with_{setting}", None)
                key = key_of(name, seed, setting)
                if key in kept:
                    continue
                parts = accuracy.Parts(frame, target, seed)
                chosen = [] if setting == "default" else setting.split(",")
                kept[key] = parts.error(peer(parts) if peer else accuracy.with_cairn(parts, program, chosen))
                kept[key]["seconds"] = getattr(parts, "fit_seconds", 0)
                with open(path + ".new", "w", encoding="utf-8") as file:
                    json.dump(kept, file)
                os.replace(path + ".new", path)
    error = {s: {n: numpy.mean([kept[key_of(n, k, s)]["error"] for k in range(seeds)]) for n in SETS} for s in settings}
    print("".join(f"{n:>12}" for n in SETS) + f"{'mean':>10}{'rank':>7}{'seconds':>9}")
    for s in settings:
        relative = [100 * numpy.log(error[s][n] / error[settings[0]][n]) for n in SETS]
        rank = numpy.mean([sorted(settings, key=lambda other, name=n: error[other][name]).index(s) + 1 for n in SETS])
        seconds = sum(kept[key_of(n, k, s)]["seconds"] for n in SETS for k in range(seeds))
        print("".join(f"{r:12.2f}" for r in relative) + f"{numpy.mean(relative):10.2f}{rank:7.2f}{seconds:9.1f}  {s}")


if __name__ == "__main__":
    main()
