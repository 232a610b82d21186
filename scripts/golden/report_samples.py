#!/usr/bin/env python3
"""Writes tests/report/{binary,regression,multiclass}.json: three results as `cairn train` would write them.

Every figure is computed, by scikit-learn, from real data (titanic, california housing, penguins), so that the report is
judged on the shapes that real runs have. Needs numpy and scikit-learn; the data folder is the first argument.
"""
import csv
import hashlib
import json
import pathlib
import sys

import numpy as np
from sklearn import metrics as sk
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import ElasticNetCV, LassoCV, LinearRegression, LogisticRegression, RidgeCV
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

DATA = pathlib.Path(sys.argv[1])
OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "report"
DRAWS = 300


def number(value):
    return float(f"{value:.6g}") if np.isfinite(value) else None


def read(path, drop=()):
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    return {name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0]) if name not in drop}


class Run:
    """One data set, split, fitted and measured."""

    def __init__(self, path, task, target, numbers, categories, metric, positive=None, relabel=None, name=None):
        self.path, self.task, self.target, self.metric = path, task, target, metric
        table = read(path)
        kept = [i for i, cell in enumerate(table[target]) if cell != ""]
        self.total_rows, self.total_columns = len(table[target]), len(table)
        self.features = numbers + categories
        self.numbers, self.categories = numbers, categories
        columns = [[float(table[c][i]) if table[c][i] else np.nan for i in kept] for c in numbers]
        columns += [[table[c][i] if table[c][i] else None for i in kept] for c in categories]
        self.x = np.array(columns, dtype=object).T
        y = [table[target][i] for i in kept]
        if relabel:
            y = [relabel[v] for v in y]
        self.classes = [] if task == "regression" else sorted(set(y))
        self.y = np.array([float(v) for v in y]) if task == "regression" else np.array(
            [self.classes.index(v) for v in y])
        self.positive = positive
        order = np.random.RandomState(0).permutation(len(self.y))
        cut = int(0.8 * len(self.y))
        self.train, self.test = np.sort(order[:cut]), np.sort(order[cut:])
        self.name = name or path.name
        self.sha = hashlib.sha256(path.read_bytes()).hexdigest()
        folds = KFold if task == "regression" else StratifiedKFold
        self.folds = folds(5, shuffle=True, random_state=0)

    def pipeline(self, learner, degree=1):
        numeric = [SimpleImputer(strategy="median"), StandardScaler()]
        if degree > 1:
            numeric = [SimpleImputer(strategy="median"), StandardScaler(), PolynomialFeatures(degree, include_bias=False)]
        steps = [("numbers", make_pipeline(*numeric), list(range(len(self.numbers))))]
        if self.categories:
            onehot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
            impute = SimpleImputer(strategy="constant", fill_value="missing", missing_values=None)
            steps.append(("categories", make_pipeline(impute, onehot),
                          list(range(len(self.numbers), len(self.features)))))
        return make_pipeline(ColumnTransformer(steps), learner)

    # Outputs: regression [n], classification [n, k] probabilities.
    def outputs(self, model, rows):
        return model.predict(self.x[rows]) if self.task == "regression" else model.predict_proba(self.x[rows])

    def names(self):
        return {"regression": ["rmse", "mae", "median_ae", "r2", "max_error"],
                "binary": ["roc_auc", "accuracy", "balanced_accuracy", "precision", "recall", "f1",
                           "average_precision", "log_loss", "brier", "mcc"],
                "multiclass": ["log_loss", "accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "cohen_kappa"]}[self.task]

    def measure(self, name, y, out):
        if self.task == "regression":
            return {"rmse": lambda: sk.root_mean_squared_error(y, out), "mae": lambda: sk.mean_absolute_error(y, out),
                    "median_ae": lambda: sk.median_absolute_error(y, out), "r2": lambda: sk.r2_score(y, out),
                    "max_error": lambda: sk.max_error(y, out)}[name]()
        decided, k = out.argmax(1), len(self.classes)
        if k == 2:
            p = out[:, 1]
            table = {"roc_auc": lambda: sk.roc_auc_score(y, p), "precision": lambda: sk.precision_score(y, decided),
                     "recall": lambda: sk.recall_score(y, decided), "f1": lambda: sk.f1_score(y, decided),
                     "average_precision": lambda: sk.average_precision_score(y, p),
                     "brier": lambda: sk.brier_score_loss(y, p), "mcc": lambda: sk.matthews_corrcoef(y, decided)}
        else:
            table = {"roc_auc": lambda: sk.roc_auc_score(y, out, multi_class="ovr"),
                     "f1_macro": lambda: sk.f1_score(y, decided, average="macro"),
                     "cohen_kappa": lambda: sk.cohen_kappa_score(y, decided)}
        table |= {"accuracy": lambda: sk.accuracy_score(y, decided),
                  "balanced_accuracy": lambda: sk.balanced_accuracy_score(y, decided),
                  "log_loss": lambda: sk.log_loss(y, out, labels=list(range(k)))}
        try:
            return table[name]()
        except ValueError:
            return float("nan")

    def draws(self, y, out, name, seed=1):
        random = np.random.RandomState(seed)
        values = []
        for _ in range(DRAWS):
            pick = random.randint(0, len(y), len(y))
            if self.task == "regression" or len(set(y[pick])) == len(self.classes):
                values.append(self.measure(name, y[pick], out[pick]))
        return np.array(values)

    def estimate(self, name, y, out):
        low, high = np.percentile(self.draws(y, out, name), [2.5, 97.5])
        return {"value": number(self.measure(name, y, out)), "low": number(low), "high": number(high), "n": len(y)}

    def estimates(self, y, out):
        return {name: self.estimate(name, y, out) for name in self.names()}

    def cross_validated(self, model):
        method = "predict" if self.task == "regression" else "predict_proba"
        return cross_val_predict(model, self.x[self.train], self.y[self.train], cv=self.folds, method=method)


INFO = {
    "roc_auc": (True, "chance that a positive row is ranked above a negative one", 1), "accuracy": (True, "share of rows decided rightly", 1),
    "balanced_accuracy": (True, "mean of the classes' recalls", 1), "precision": (True, "share of positive decisions that are right", 1),
    "recall": (True, "share of positive rows that are found", 1), "f1": (True, "harmonic mean of precision and recall", 1),
    "f1_macro": (True, "mean of the classes' f1", 1), "average_precision": (True, "precision averaged over recall", 1),
    "log_loss": (False, "mean surprise at the truth, in nats", 0), "brier": (False, "mean squared error of the probability", 0),
    "mcc": (True, "correlation of decision and truth", 1), "cohen_kappa": (True, "agreement beyond chance", 1),
    "rmse": (False, "root of the mean squared error, in units of the target", 0),
    "mae": (False, "mean absolute error, in units of the target", 0),
    "median_ae": (False, "median absolute error, in units of the target", 0), "r2": (True, "share of the variance explained", 1),
    "max_error": (False, "largest absolute error, in units of the target", 0)}


def error_of(metric, value):
    return value if not INFO[metric][0] else 1 - value


def error_line(run, line, on, y, out, ledger_metric, **more):
    draws = np.sort(error_of(ledger_metric, run.draws(y, out, ledger_metric)))
    return {"line": line, "measured_on": on, "error": number(error_of(ledger_metric, run.measure(ledger_metric, y, out))),
            "low": number(np.percentile(draws, 2.5)), "high": number(np.percentile(draws, 97.5)), "n": len(y), **more}


def gap(name, lower, upper):
    value = upper["error"] - lower["error"]
    half = np.hypot(lower["high"] - lower["low"], upper["high"] - upper["low"]) / 2
    result = {"name": name, "value": number(value), "low": number(value - half), "high": number(value + half)}
    return result | {"proven": bool(result["low"] > 0 or result["high"] < 0)}


def ledger(run, model, baseline, metric):
    y, train, test = run.y, run.train, run.test
    base = error_line(run, "baseline", "held-out rows", y[test], run.outputs(baseline, test), metric)
    fit = error_line(run, "training", "rows the model saw", y[train], run.outputs(model, train), metric)
    cv = error_line(run, "cross-validated", "training rows, each judged by a model that had not seen it", y[train],
                    run.cross_validated(model), metric)
    held = error_line(run, "held-out", "rows kept apart until the end", y[test], run.outputs(model, test), metric)
    human = {"line": "human level", "error": None, "low": None, "high": None,
             "note": "Unknown, so avoidable bias cannot be told from noise. Give --human-error, or label 200 rows twice."}
    cv["gap"], held["gap"] = gap("variance", fit, cv), gap("held-out shift", cv, held)
    return [base, human, fit, cv, held]


def learning_curve(run, model, metric):
    points, n = [], len(run.train)
    for share in (8, 4, 2, 1):
        errors, train_errors = [], []
        for draw in range(5 if share > 1 else 1):
            for fit, judge in run.folds.split(run.x[run.train], run.y[run.train]):
                fit = np.random.RandomState(draw).permutation(fit)[: len(fit) // share]
                part = clone(model).fit(run.x[run.train][fit], run.y[run.train][fit])
                errors.append(error_of(metric, run.measure(metric, run.y[run.train][judge], run.outputs(part, run.train[judge]))))
                train_errors.append(error_of(metric, run.measure(metric, run.y[run.train][fit], run.outputs(part, run.train[fit]))))
        half = 1.96 * np.std(errors) / np.sqrt(5)
        mean = np.nanmean(errors)
        points.append({"rows": int(0.8 * n) // share, "error": number(mean), "low": number(mean - half),
                       "high": number(mean + half), "train_error": number(np.nanmean(train_errors)),
                       "draws": 5 if share > 1 else 1})
    return points


def forecast(points):
    rows = np.array([p["rows"] for p in points], float)
    errors = np.array([p["error"] for p in points])
    best = None
    for c in np.linspace(0.2, 1.5, 60):
        design = np.stack([np.ones_like(rows), rows ** -c], 1)
        fit, *_ = np.linalg.lstsq(design, errors, rcond=None)
        residual = np.abs(design @ fit - errors).sum()
        if best is None or residual < best[0]:
            best = (residual, max(fit[0], 0), fit[1], c)
    _, a, b, c = best
    half = (points[-1]["high"] - points[-1]["low"]) / 2 * 0.65
    ahead = [{"rows": int(rows[-1] * k), "error": number(a + b * (rows[-1] * k) ** -c)} for k in (2, 4, 8)]
    for k, point in enumerate(ahead):
        point["low"], point["high"] = number(point["error"] - half * (1 + 0.15 * k)), number(point["error"] + half * (1 + 0.15 * k))
    return {"a": number(a), "b": number(b), "c": number(c), "points": ahead}


def candidates(run, models, chosen):
    rows = []
    for name, model in models.items():
        out = run.cross_validated(model)
        estimate = run.estimate(run.metric, run.y[run.train], out)
        row = {"learner": name, "metric": estimate["value"], "low": estimate["low"], "high": estimate["high"],
               "seconds": round(0.02 + 0.0007 * len(name) * len(run.train) ** 0.5, 2)}
        if name == chosen:
            row["chosen"] = True
        if name == "constant":
            row["baseline"] = True
        rows.append(row)
    return sorted(rows, key=lambda r: r["metric"], reverse=INFO[run.metric][0])


def importance(run, model, draws=10):
    base = run.measure(run.metric, run.y[run.test], run.outputs(model, run.test))
    rows = []
    for i, feature in enumerate(run.features):
        changes = []
        for draw in range(draws):
            x = run.x[run.test].copy()
            x[:, i] = x[np.random.RandomState(draw).permutation(len(x)), i]
            out = model.predict(x) if run.task == "regression" else model.predict_proba(x)
            change = run.measure(run.metric, run.y[run.test], out) - base
            changes.append(-change if INFO[run.metric][0] else change)
        low, high = np.percentile(changes, [2.5, 97.5])
        rows.append({"feature": feature, "value": number(np.mean(changes)), "low": number(low), "high": number(high)})
    return sorted(rows, key=lambda r: -r["value"])


def coefficients(run, model):
    names = [n.split("__", 1)[1] for n in model[0].get_feature_names_out(run.features)]
    names = [n.replace("_", "=", 1) if n.split("_")[0] in run.categories else n for n in names]
    values = np.atleast_2d(model[-1].coef_)
    outputs = run.classes if len(values) > 1 else [""]
    return [{"feature": n, "output": o, "value": number(v)} for o, row in zip(outputs, values) for n, v in zip(names, row)]


def thin(*columns, keep=200):
    pick = np.unique(np.linspace(0, len(columns[0]) - 1, min(keep, len(columns[0]))).astype(int))
    return [[number(v) for v in np.asarray(c)[pick]] for c in columns]


def binary_curves(y, p):
    fpr, tpr, threshold = thin(*sk.roc_curve(y, p))
    precision, recall, cut = sk.precision_recall_curve(y, p)
    recall, precision, cut = thin(recall, precision, np.append(cut, np.inf))
    bins = np.array_split(np.argsort(p, kind="stable"), 10)
    calibration = {"mean_predicted": [], "observed": [], "low": [], "high": [], "n": []}
    for rows in bins:
        n, k, z = len(rows), y[rows].sum(), 1.96
        centre = (k + z * z / 2) / (n + z * z)
        half = z / (n + z * z) * np.sqrt(k * (n - k) / n + z * z / 4)
        for key, v in zip(calibration, (p[rows].mean(), k / n, centre - half, centre + half, n)):
            calibration[key].append(int(v) if key == "n" else number(v))
    return {"roc": {"false_positive_rate": fpr, "true_positive_rate": tpr, "threshold": threshold},
            "pr": {"recall": recall, "precision": precision, "threshold": cut}, "calibration": calibration}


def residual_curves(y, out, keep=500):
    pick = np.unique(np.linspace(0, len(y) - 1, min(keep, len(y))).astype(int))
    low, median, high = np.percentile(y - out, [5, 50, 95])
    return {"residuals": {"predicted": [number(v) for v in out[pick]], "residual": [number(v) for v in (y - out)[pick]],
                          "low": number(low), "median": number(median), "high": number(high)}}


def result(run, models, chosen, baseline_words, ledger_metric, texts):
    model = clone(models[chosen]).fit(run.x[run.train], run.y[run.train])
    baseline = clone(models["constant"]).fit(run.x[run.train], run.y[run.train])
    y, out = run.y[run.test], run.outputs(model, run.test)
    used = run.names()
    r = {"schema": 1, "task": run.task, "target": run.target}
    if run.task != "regression":
        r |= {"positive": run.positive, "classes": run.classes}
    else:
        r |= {"positive": None, "classes": []}
    r |= {"metric": run.metric,
          "metric_info": {n: {"higher_is_better": INFO[n][0], "doc": INFO[n][1], "best": INFO[n][2]} for n in used}}
    if run.task == "binary":
        r |= {"threshold": 0.5, "threshold_reason": "the more probable class"}
    r |= {"seed": 0, "deterministic": True,
          "data": {"name": run.name, "path": f"data/{run.name}", "rows": run.total_rows, "columns": run.total_columns, "sha256": run.sha},
          "data_sha256": run.sha, "split": texts["split"], "rows": {"train": len(run.train), "test": len(run.test)},
          "learner": chosen, "params": texts["params"], "pipeline": texts["pipeline"], "notes": texts["notes"], "refit_all": False,
          "metrics": run.estimates(y, out), "train_metrics": run.estimates(run.y[run.train], run.outputs(model, run.train)),
          "cv_metrics": run.estimates(run.y[run.train], run.cross_validated(model)),
          "baseline": run.estimates(y, run.outputs(baseline, run.test)), "baseline_learner": baseline_words,
          "candidates": candidates(run, models, chosen), "folds": 5}
    if run.task != "regression":
        precision, recall, f1, support = sk.precision_recall_fscore_support(y, out.argmax(1))
        r["per_class"] = [{"class": c, "precision": number(precision[i]), "recall": number(recall[i]), "f1": number(f1[i]),
                           "support": int(support[i])} for i, c in enumerate(run.classes)]
        r["confusion"] = {"classes": run.classes, "counts": sk.confusion_matrix(y, out.argmax(1)).tolist()}
    r["curves"] = {"regression": lambda: residual_curves(y, out), "binary": lambda: binary_curves(y, out[:, -1]),
                   "multiclass": dict}[run.task]()
    r |= {"coefficients": coefficients(run, model) if hasattr(model[-1], "coef_") else [],
          "coefficients_note": texts["coefficients_note"], "importance": importance(run, model),
          "importance_note": "10 shuffles of each column of the held-out rows"}
    points = learning_curve(run, models[chosen], ledger_metric)
    ahead = forecast(points)
    ahead["text"] = texts["forecast"](points, ahead)
    r |= {"ledger": ledger(run, model, baseline, ledger_metric),
          "ledger_metric": ledger_metric if not INFO[ledger_metric][0] else f"1 - {ledger_metric}",
          "ledger_notes": texts["ledger_notes"], "learning_curve": points, "forecast": ahead}
    if "loss_history" in texts:
        r["loss_history"] = texts["loss_history"](run)
    r |= {key: texts[key] for key in ("next", "not_worth", "could_not_examine", "warnings", "guesses")}
    stem = pathlib.Path(run.name).stem
    folder = f"runs/2026-01-15-{stem}-1"
    r |= {"commands": {"repeat": f"cairn train --config {folder}/config.json",
                       "predict": f"cairn predict {folder} new_rows.csv --out predictions.csv" + ("" if run.task == "regression" else " --probabilities"),
                       "evaluate": f"cairn evaluate {folder} more_{run.name}"},
          "seconds": {"read": 0.012, "search": 1.31, "fit": 0.08, "measure": 0.22, "diagnose": 0.61, "total": 2.24},
          "peak_memory_bytes": 73400320, "threads": 2,
          "versions": {"cairn": "0.1.0", "build": "release", "isa": "avx2", "compiler": "gcc 12.2.0"},
          "run": folder, "model": f"{folder}/model.cairn", "model_sha256": hashlib.sha256(folder.encode()).hexdigest(),
          "model_bytes": 9216, "report": f"{folder}/report.html"}
    (OUT / f"{run.task}.json").write_text(json.dumps(r, indent=1, ensure_ascii=False) + "\n")


def advice(action, name, metric, figures, evidence, cost, command=None):
    expected = {"metric": metric, "change": figures[0], "low": figures[1], "high": figures[2], "confidence": 0.8} if figures else None
    entry = {"action": action, "name": name, "expected": expected, "evidence": evidence, "cost": cost}
    return entry | ({"command": command} if command else {})


def titanic():
    run = Run(DATA / "titanic/train.csv", "binary", "Survived", ["Age", "SibSp", "Parch", "Fare"], ["Pclass", "Sex", "Embarked"],
              "roc_auc", positive="yes", relabel={"0": "no", "1": "yes"}, name="titanic.csv")
    models = {"logistic_regression": run.pipeline(LogisticRegression()),
              "logistic_regression_quadratic": run.pipeline(LogisticRegression(max_iter=1000), 2),
              "k_nearest_neighbors": run.pipeline(KNeighborsClassifier(15)), "naive_bayes": run.pipeline(GaussianNB()),
              "constant": run.pipeline(DummyClassifier())}
    result(run, models, "logistic_regression", "always no", "accuracy", {
        "split": {"how": "a fifth of the rows held out, stratified by Survived, identical rows kept together", "test_share": 0.2},
        "params": {"penalty": "l2", "strength": 1.0, "solver": "auto", "max_iter": 100, "tol": 1e-6, "class_weight": "none"},
        "pipeline": ["impute Age with its median (28.0) and mark the 177 rows", "impute Embarked with a level of its own (2 rows)",
                     "one-hot 3 columns into 9", "standard scale of 4 columns", "logistic regression on 14 inputs"],
        "notes": ["solver: newton, because 14 inputs are few", "converged after 6 iterations"],
        "coefficients_note": "log-odds of yes per standard deviation of a column, or against the mean of the levels",
        "forecast": lambda p, f: "Twice the rows would bring the error from %.3f to about %.3f, which is within its interval: more rows of the same kind are not what this model lacks." % (p[-1]["error"], f["points"][0]["error"]),
        "ledger_notes": ["Test rows were looked at once."],
        "loss_history": lambda run: [number(v) for v in (0.6931, 0.4821, 0.4489, 0.44471, 0.444649, 0.4446488)],
        "next": [
            advice("Let the model bend: add squares and products of the number columns", "more_capacity", "roc_auc", (0.011, 0.002, 0.021),
                   "a probe on the same folds raised cross-validated ROC AUC in 5 of 5", "4 seconds, no new data",
                   "cairn train data/titanic.csv --target Survived --set polynomial=2"),
            advice("Turn Cabin and Name into features (deck, title)", "better_features", "roc_auc", (0.009, -0.003, 0.022),
                   "both columns were dropped as text that is almost unique; their first words are not", "half an hour of a person")],
        "not_worth": [
            advice("Collect more rows of the same kind", "more_rows", "roc_auc", (0.002, -0.004, 0.008), "the learning curve is flat from 356 rows on", "712 more passengers"),
            advice("Regularise more or less", "regularisation", "roc_auc", (0.0003, -0.002, 0.003), "five strengths from 0.01 to 100 stay within the noise", "2 seconds")],
        "could_not_examine": [
            {"what": "Wrong labels", "why": "712 rows are too few to tell noise from hard cases", "how": "Have a second source label 200 rows."},
            {"what": "Mismatch with the rows you will predict", "why": "no file of such rows was given", "how": "--dev FILE"}],
        "warnings": [
            {"code": "id_like", "column": "PassengerId", "message": "PassengerId has a different value in each of 891 rows and was left out; --types PassengerId=integer keeps it."},
            {"code": "mostly_missing", "column": "Cabin", "message": "Cabin is missing in 687 of 891 rows (77 %)."}],
        "guesses": [
            {"what": "separator", "guess": ",", "reason": "12 fields in every line", "flag": "--sep"},
            {"what": "header", "guess": "yes", "reason": "no number in the first line", "flag": "--header"},
            {"what": "task", "guess": "binary", "reason": "Survived has 2 distinct values", "flag": "--task"},
            {"what": "Pclass", "guess": "category", "reason": "3 distinct whole numbers", "flag": "--types Pclass=integer"}]})


def california():
    numbers = ["longitude", "latitude", "housing_median_age", "total_rooms", "total_bedrooms", "population", "households", "median_income"]
    run = Run(DATA / "california_housing/housing.csv", "regression", "median_house_value", numbers, ["ocean_proximity"], "rmse")
    models = {"ridge": run.pipeline(RidgeCV(np.logspace(-3, 3, 7))), "lasso": run.pipeline(LassoCV(cv=3)),
              "elastic_net": run.pipeline(ElasticNetCV(cv=3)), "least_squares": run.pipeline(LinearRegression()),
              "k_nearest_neighbors": run.pipeline(KNeighborsRegressor(10)), "constant": run.pipeline(DummyRegressor())}
    result(run, models, "k_nearest_neighbors", "the mean, 206,855.8", "rmse", {
        "split": {"how": "a fifth of the rows held out, stratified by tenths of median_house_value", "test_share": 0.2},
        "params": {"k": 10, "weights": "uniform", "distance": "euclidean"},
        "pipeline": ["impute total_bedrooms with its median (435.0) and mark the 207 rows", "one-hot ocean_proximity into 5",
                     "standard scale of 8 columns", "10 nearest neighbours on 14 inputs"],
        "notes": ["search: blocked exact, because 14 inputs are many for a tree"], "coefficients_note": "",
        "forecast": lambda p, f: "Twice the rows would bring the error from %.0f to about %.0f." % (p[-1]["error"], f["points"][0]["error"]),
        "ledger_notes": ["Test rows were looked at once."],
        "next": [
            advice("Collect more rows of the same kind", "more_rows", "rmse", (-2900.0, -4300.0, -1600.0), "the learning curve still falls by 5 % at each doubling", "16,512 more districts"),
            advice("Remove the cap: 965 targets are exactly 500,001", "repair_labels", None, None, "a value that stands 965 times at the upper end is a cut, not a measurement; errors near it are not real", "ask the source")],
        "not_worth": [advice("Add squares and products to ridge", "more_capacity", "rmse", (310.0, -420.0, 1050.0), "worse than neighbours in 4 of 5 folds", "6 seconds")],
        "could_not_examine": [{"what": "Drift over time", "why": "no column was named as time", "how": "--time COL"}],
        "warnings": [{"code": "capped_target", "column": "median_house_value", "message": "965 of 20,640 targets are exactly 500001, the largest value: the target seems to be cut off there."}],
        "guesses": [{"what": "separator", "guess": ",", "reason": "10 fields in every line", "flag": "--sep"},
                    {"what": "task", "guess": "regression", "reason": "median_house_value has 3,842 distinct numbers", "flag": "--task"}]})


def penguins():
    run = Run(DATA / "small_tabular/penguins.csv", "multiclass", "species",
              ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"], ["island", "sex"], "log_loss")
    models = {"logistic_regression": run.pipeline(LogisticRegression()), "k_nearest_neighbors": run.pipeline(KNeighborsClassifier(5)),
              "naive_bayes": run.pipeline(GaussianNB()), "constant": run.pipeline(DummyClassifier(strategy="prior"))}
    result(run, models, "logistic_regression", "always Adelie", "log_loss", {
        "split": {"how": "a fifth of the rows held out, stratified by species", "test_share": 0.2},
        "params": {"penalty": "l2", "strength": 1.0, "solver": "auto", "max_iter": 100, "tol": 1e-6, "class_weight": "none"},
        "pipeline": ["impute 4 columns with their medians (2 rows)", "impute sex with a level of its own (10 rows)", "one-hot 2 columns into 6",
                     "standard scale of 4 columns", "softmax regression on 10 inputs"],
        "notes": ["solver: newton, because 10 inputs are few"],
        "coefficients_note": "logits per standard deviation of a column, one set a class",
        "forecast": lambda p, f: "The error is close to its floor; more rows bring at most %.3f." % (p[-1]["error"] - f["points"][-1]["error"]),
        "ledger_notes": [],
        "next": [advice("Stop: nothing that was tried moves the result beyond the noise", "stop", None, None, "held-out rows are decided without a mistake or nearly so", "none")],
        "not_worth": [advice("Collect more rows of the same kind", "more_rows", "log_loss", (-0.006, -0.014, 0.003), "the learning curve is flat", "275 more penguins")],
        "could_not_examine": [{"what": "Slices", "why": "the 69 held-out rows leave fewer than 20 in most groups", "how": "a bigger test file: --test FILE"}],
        "warnings": [{"code": "small_test", "message": "69 held-out rows: intervals are wide."}],
        "guesses": [{"what": "separator", "guess": ",", "reason": "7 fields in every line", "flag": "--sep"}]})


if __name__ == "__main__":
    titanic()
    california()
    penguins()
