#!/usr/bin/env python3
"""Asks XGBoost and LightGBM for the predictions of models that `cairn export` wrote, and the C++ header too.

  pip install xgboost==3.2.0 lightgbm==4.7.0
  scripts/check_exports.py build/release/cairn

Models are trained on data/penguins.csv (gaps, categories, three classes) and data/diabetes.csv. A prediction counts as the same when
it differs by less than 1e-6 of the largest one.
"""
import csv
import json
import os
import subprocess
import sys
import tempfile

import lightgbm
import numpy
import xgboost

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
PENGUINS, DIABETES = os.path.join(ROOT, "data", "penguins.csv"), os.path.join(ROOT, "data", "diabetes.csv")
CASES = [("three classes", PENGUINS, "species", ["--learner", "gradient_boosting"]),
         ("two classes", PENGUINS, "sex", ["--learner", "gradient_boosting"]),
         ("numbers", PENGUINS, "body_mass_g", ["--learner", "gradient_boosting"]),
         ("Poisson", PENGUINS, "flipper_length_mm", ["--learner", "gradient_boosting", "--set", "objective=poisson"]),
         ("a forest", DIABETES, "progression", ["--learner", "random_forest"]),
         ("a forest of three classes", PENGUINS, "species", ["--learner", "random_forest"]),
         ("a forest of two classes", PENGUINS, "sex", ["--learner", "extra_trees"]),
         ("a tree of classes", PENGUINS, "island", ["--learner", "decision_tree"])]
HEADER_PROGRAM = """#include <cstdio>
#include <cstdlib>
#include "model.h"
int main() {
  double x[cairn_model::num_features], p[cairn_model::num_predicted];
  if (!cairn_model::self_test()) return 1;
  for (;;) {
    for (double& v : x) {
      char word[64];
      if (std::scanf("%63s", word) != 1) return 0;
      v = std::strtod(word, nullptr);
    }
    cairn_model::predict(x, p);
    for (double v : p) std::printf("%a ", v);
    std::printf("\\n");
  }
}
"""


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **more).stdout


def matrix(path, features):
    """The rows as the written files take them, rounded to f32, which is what XGBoost holds."""
    with open(path, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    x = numpy.full((len(rows), len(features)), numpy.nan)
    for j, feature in enumerate(features):
        for i, row in enumerate(rows):
            cell = row[feature["name"]]
            if "levels" in feature:
                x[i, j] = feature["levels"].index(cell) if cell in feature["levels"] else numpy.nan
            elif cell not in ("", "NA"):
                x[i, j] = numpy.float32(float(cell))
    return x


def main():
    program, failed = os.path.abspath(sys.argv[1]), 0
    for name, data, target, flags in CASES:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            run(program, "train", data, "--target", target, "--out", "run", "--no-doctor", "--quiet", *flags)
            told = {ending: json.loads(run(program, "export", "run", f"model.{ending}", "--json")) for ending in ("json", "ubj", "txt", "h")}
            features = told["json"]["features"]
            x = matrix(data, features)
            with open("main.cpp", "w", encoding="utf-8") as file:
                file.write(HEADER_PROGRAM)
            run("c++", "-std=c++17", "-O1", "main.cpp", "-o", "main")
            said = run("./main", input="\n".join(" ".join(repr(float(v)) for v in row) for row in x))
            ours = numpy.array([[float.fromhex(v) for v in line.split()] for line in said.splitlines()])
            if ours.shape[1] == 2 and "boosting" in flags[1]:  # the peers give the second class alone
                ours = ours[:, 1:]
            types = ["c" if "levels" in f else "float" for f in features]
            ask = xgboost.DMatrix(x, feature_names=[f["name"] for f in features], feature_types=types, enable_categorical=True)
            for ending in ("json", "ubj"):
                theirs = xgboost.Booster(model_file=f"model.{ending}").predict(ask).reshape(len(x), -1)
                failed += report(name, f"XGBoost {xgboost.__version__}, {ending}", ours, theirs)
            theirs = lightgbm.Booster(model_file="model.txt").predict(x).reshape(len(x), -1)
            failed += report(name, f"LightGBM {lightgbm.__version__}", ours, theirs)
    sys.exit(1 if failed else 0)


def report(case, peer, ours, theirs):
    difference = numpy.abs(ours - theirs).max() / max(1, numpy.abs(ours).max())
    print(f"{'ok' if difference < 1e-6 else 'DIFFERENT'}: {case}, {peer}: {difference:.1e} over {len(ours)} rows")
    return not difference < 1e-6  # so that NaN is a difference


if __name__ == "__main__":
    main()
