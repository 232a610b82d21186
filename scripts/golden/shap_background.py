#!/usr/bin/env python3
"""Interventional Shapley values of the shap library, of models in tests/golden/trees against background rows.

  pip install shap==0.51.0 xgboost==3.2.0 lightgbm==4.7.0
  scripts/golden/shap_background.py        writes tests/golden/shap_background.json
"""
import json
import os

import lightgbm
import numpy
import shap

ROOT = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "golden")
MODELS = ("lightgbm_binary.txt", "lightgbm_poisson.txt")
EXPLAINED, BACKGROUND = 10, 25  # rows, of those the models were asked about


def main():
    with open(os.path.join(ROOT, "trees", "pairs.json"), encoding="utf-8") as file:
        pairs = json.load(file)["pairs"]
    found = {}
    for name in MODELS:
        rows = numpy.array([[numpy.nan if v is None else v for v in row] for row in pairs[name]["rows"]])
        booster = lightgbm.Booster(model_file=os.path.join(ROOT, "trees", name))
        asked, background = rows[:EXPLAINED], rows[EXPLAINED:EXPLAINED + BACKGROUND]
        explainer = shap.TreeExplainer(booster, data=background, feature_perturbation="interventional")
        values = numpy.asarray(explainer.shap_values(asked, check_additivity=False))
        if values.ndim == 2:
            values = values[:, :, None]
        found[name] = {"values": values.transpose(0, 2, 1).tolist(),  # [rows, outputs, features]
                       "base": numpy.ravel(explainer.expected_value).tolist()}
    with open(os.path.join(ROOT, "shap_background.json"), "w", encoding="utf-8") as file:
        json.dump({"shap": shap.__version__, "explained": EXPLAINED, "background": BACKGROUND, "models": found}, file)
        file.write("\n")


main()
