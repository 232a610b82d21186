"""The rows of the bench table: what is worked on, who else does it, and how one neutral judge tells that both did it.

A row makes its data once, names the commands of both sides (bench/serve.h and bench/peers/serve.py describe how they talk) and
judges an answer from what the program reports, never from its own word: the text returned says what accuracy was reached, and
a Disagreement is raised where it was not.
"""
import os

import numpy

from harness import DATA, HERE, Disagreement, need, peer  # noqa: F401: run.py takes Disagreement from here
from linear_rows import LINEAR_ROWS
from network_rows import NETWORK_ROWS
from reading_rows import READING_ROWS

def higgs_like(rows=500_000):
    """H of the table: 28 normal features, a logit with a product and a square in it."""
    g = numpy.random.default_rng(0)
    x = g.standard_normal((rows, 28)).astype(numpy.float32)
    w = g.standard_normal(28)
    logit = 0.5 * x @ w + x[:, 0] * x[:, 1] - 0.7 * x[:, 2] ** 2 + 0.5
    y = (g.random(rows) < 1 / (1 + numpy.exp(-logit))).astype(numpy.int32)
    return x, y


class Csv:
    name, work = "T1", "H as CSV (500,000 x 29, 129 MB) to typed columns in memory, every row checked"
    floor, goal = 1.0, 2.0

    def __init__(self):
        def write(path):
            x, y = higgs_like()
            header = ",".join([f"x{i}" for i in range(28)] + ["y"])
            numpy.savetxt(path, numpy.column_stack([x, y]), fmt=["%.6g"] * 28 + ["%d"], delimiter=",", header=header, comments="")
        self.file = need("h.csv", write)
        self.sums = None

    def cairn(self, programs):
        return [os.path.join(programs, "bench_t1_csv"), self.file]

    def peers(self):
        return {name: peer("t1_csv.py", name, self.file) for name in ("polars", "pandas")}

    def judge(self, answer):
        if self.sums is None:
            self.sums = numpy.loadtxt(self.file, delimiter=",", skiprows=1).sum(axis=0)
        if (answer["rows"], answer["columns"]) != (500_000, 29):
            raise Disagreement(f"{answer['rows']} x {answer['columns']} instead of 500000 x 29")
        worst = float(numpy.max(numpy.abs(numpy.array(answer["sums"]) - self.sums)))
        if worst > 1e-6:
            raise Disagreement(f"column sums differ by {worst:.3g}")
        return "all cells: column sums agree"


class LeastSquares:
    name, work = "T2", "least squares 1,000,000 x 50 f64 with intercept"
    floor, goal = 1.0, 2.0

    def __init__(self):
        def make():
            g = numpy.random.default_rng(0)
            x = g.standard_normal((1_000_000, 50))
            return x, x @ g.standard_normal(50) + 3 + g.standard_normal(1_000_000)
        self.files = [need("t2_x.f64", lambda path: make()[0].tofile(path)), need("t2_y.f64", lambda path: make()[1].tofile(path))]
        self.exact = None

    def cairn(self, programs):
        return [os.path.join(programs, "bench_t2_least_squares"), *self.files]

    def peers(self):
        return {name: peer("t2_least_squares.py", name, *self.files) for name in ("intelex", "ridge_cholesky", "linear_regression")}

    def judge(self, answer):
        if self.exact is None:
            y = numpy.fromfile(self.files[1])
            x = numpy.fromfile(self.files[0]).reshape(len(y), -1)
            self.exact = numpy.linalg.lstsq(numpy.column_stack([x, numpy.ones(len(y))]), y, rcond=None)[0]
        worst = float(numpy.max(numpy.abs(numpy.array(answer["coefficients"] + [answer["intercept"]]) - self.exact)))
        if worst > 1e-8:
            raise Disagreement(f"coefficients differ from those of LAPACK by {worst:.3g}")
        return f"coefficients within {worst:.1g} of LAPACK"


class Logistic:
    name, work = "T3", "logistic regression, H (450,000 x 28 f32), L2 with C = 1, to a gradient of 1e-4 of the start"
    floor, goal = 1.5, 4.0
    tolerances = ("1e-2", "1e-3", "1e-4", "1e-5", "1e-6", "1e-8")  # the harness takes the loosest that reaches the accuracy

    def __init__(self):
        self.files = [need("t3_x.f32", lambda path: higgs_like()[0][:450_000].tofile(path)),
                      need("t3_y.i32", lambda path: higgs_like()[1][:450_000].tofile(path))]
        self.x = self.y = None

    def cairn(self, programs):
        return [os.path.join(programs, "bench_t3_logistic"), *self.files]

    def peers(self):
        return {f"{name} tol {tolerance}": peer("t3_logistic.py", name, *self.files, tolerance)
                for name in ("intelex_lbfgs", "newton_cholesky", "lbfgs") for tolerance in self.tolerances}

    def gradient(self, coefficients, intercept):
        p = 1 / (1 + numpy.exp(-(self.x @ coefficients + intercept)))
        return numpy.append(self.x.T @ (p - self.y) + coefficients, numpy.sum(p - self.y))

    def judge(self, answer):
        if self.x is None:
            self.y = numpy.fromfile(self.files[1], dtype=numpy.int32)
            self.x = numpy.fromfile(self.files[0], dtype=numpy.float32).reshape(len(self.y), -1).astype(float)
        start = numpy.linalg.norm(self.gradient(numpy.zeros(28), 0.0))
        share = float(numpy.linalg.norm(self.gradient(numpy.array(answer["coefficients"]), answer["intercept"])) / start)
        if not share <= 1e-4:
            raise Disagreement(f"gradient is {share:.2g} of the start")
        return f"gradient {share:.1g} of the start"


class Auc:
    name, work = "T6", "ROC AUC of 5,000,000 scores with ties"
    floor, goal = 3.0, 10.0

    def __init__(self):
        def make():
            g = numpy.random.default_rng(0)
            y = (g.random(5_000_000) < 0.3).astype(numpy.int32)
            p = 1 / (1 + numpy.exp(-(1.2 * y - 1 + 1.5 * g.standard_normal(5_000_000))))
            return numpy.round(p, 4), y
        self.files = [need("t6_scores.f64", lambda path: make()[0].tofile(path)),
                      need("t6_labels.i32", lambda path: make()[1].tofile(path))]
        self.exact = None

    def cairn(self, programs):
        return [os.path.join(programs, "bench_t6_auc"), *self.files]

    def peers(self):
        return {"scikit-learn": peer("t6_auc.py", *self.files)}

    def judge(self, answer):
        if self.exact is None:  # Mann and Whitney by exact integers over the distinct scores
            scores, labels = numpy.fromfile(self.files[0]), numpy.fromfile(self.files[1], dtype=numpy.int32)
            _, code = numpy.unique(scores, return_inverse=True)
            ones, alls = numpy.bincount(code, weights=labels).astype(numpy.int64), numpy.bincount(code)
            zeros = alls - ones
            below = numpy.cumsum(zeros) - zeros
            self.exact = float(numpy.sum(ones * (2 * below + zeros))) / (2.0 * ones.sum() * zeros.sum())
        if abs(answer["area"] - self.exact) > 1e-12:
            raise Disagreement(f"area {answer['area']!r} instead of {self.exact!r}")
        return f"area {self.exact:.6f}, equal within 1e-12"


class WholeProcess:
    name, work = "T7", "whole process: train on penguins.csv (344 rows) with cross-validated candidates, advice and report"
    floor, goal = 3.0, 10.0
    whole_process = True

    def __init__(self):
        self.file = os.path.join(HERE, "..", "data", "penguins.csv")

    def cairn(self, programs):
        return [os.path.join(programs, "..", "cairn"), "train", self.file, "--target", "species", "--out", "{folder}", "--quiet"]

    def peers(self):
        return {"scikit-learn": peer("t7_penguins.py", self.file, "species", "{folder}")}

    def judge(self, answer):
        import json
        with open(os.path.join(answer["folder"], "result.json"), encoding="utf-8") as file:
            result = json.load(file)
        accuracy = result["metrics"]["accuracy"]["value"] if "metrics" in result else result["accuracy"]
        for name in ("report.html",):
            if not os.path.getsize(os.path.join(answer["folder"], name)):
                raise Disagreement(f"{name} is empty")
        if accuracy < 0.97:
            raise Disagreement(f"held-out accuracy {accuracy:.3f}")
        return f"held-out accuracy {accuracy:.3f}"


class TreesOnH:
    """Fitting on H; the judge asks for the area under the ROC curve of the test rows."""
    learner, settings, rows, area, others = "", "", 450_000, 0.0, ()

    def __init__(self):
        self.files = [need(f"g_x{self.rows}.f32", lambda path: higgs_like()[0][:self.rows].tofile(path)),
                      need(f"g_y{self.rows}.i32", lambda path: higgs_like()[1][:self.rows].tofile(path)),
                      need("g_test_x.f32", lambda path: higgs_like()[0][450_000:].tofile(path))]
        self.labels = need("g_test_y.i32", lambda path: higgs_like()[1][450_000:].tofile(path))

    def scores(self, who):
        return os.path.join(DATA, f"{self.name}_{who}.f64")

    def cairn(self, programs):
        return [os.path.join(programs, "bench_g_learn"), *self.files, self.scores("cairn"), self.learner, self.settings]

    def peers(self):
        return {name: peer("g_learn.py", name, *self.files, self.scores(name)) for name in self.others}

    def judge(self, answer):
        from sklearn.metrics import roc_auc_score
        area = roc_auc_score(numpy.fromfile(self.labels, dtype=numpy.int32), numpy.fromfile(answer["scores"]))
        if area < self.area:
            raise Disagreement(f"area {area:.4f} on the test rows instead of {self.area}")
        return f"test AUC {area:.4f}"


# What the peers do in these rows: all rows and columns in every round.
EVERYTHING = "trees=100,learning_rate=0.1,row_share=1,column_share_node=1"


class Boosting(TreesOnH):
    name, work = "G1", "boosting, H (450,000 x 28), 100 rounds, depth 8, 255 leaves, 255 bins, binning included"
    floor, goal = 2.0, 3.5
    learner, settings, area = "gradient_boosting", f"{EVERYTHING},max_depth=8,max_leaves=255", 0.9108
    others = ("xgboost", "lightgbm", "lightgbm_quantised")


class LeafWise(TreesOnH):
    name, work = "G2", "boosting, H, leaf by leaf, 31 leaves, 100 rounds"
    floor, goal = 1.8, 3.0
    learner, settings, area = "gradient_boosting", f"{EVERYTHING},growth=leaf_wise,max_depth=0,max_leaves=31", 0.907
    others = ("lightgbm_leaves",)


class Forest(TreesOnH):
    name, work = "G4", "random forest of 100 trees, first 100,000 rows of H"
    floor, goal, rows = 7.0, 18.0, 100_000
    learner, settings, area = "random_forest", "trees=100", 0.885
    others = ("forest",)


class SingleTree(TreesOnH):
    name, work = "G5", "one tree of exact splits, H, depth 12"
    floor, goal = 5.0, 20.0
    learner, settings, area = "decision_tree", "max_depth=12", 0.77
    others = ("tree",)


class Predict:
    """500,000 rows at once: time against time. One row: time of a call."""
    name, work = "G6", "predictions for 500,000 rows, 100 trees of depth 8"
    floor, goal, how = 2.0, 4.0, "many"

    def __init__(self):
        self.files = [need("g_x100000.f32", lambda path: higgs_like()[0][:100_000].tofile(path)),
                      need("g_y100000.i32", lambda path: higgs_like()[1][:100_000].tofile(path)),
                      need("g_all_x.f32", lambda path: higgs_like()[0].tofile(path))]

    def cairn(self, programs):
        return [os.path.join(programs, "bench_g6_predict"), *self.files, self.how]

    def peers(self):
        return {name: peer("g6_predict.py", name, *self.files, self.how) for name in ("xgboost", "lightgbm")}

    def judge(self, answer):
        return f"{answer['rows']} rows"


class PredictOne(Predict):
    name, work = "G6b", "prediction for one row, a call each, 100 trees of depth 8"
    floor, goal, how = 1.5, 2.0, "one"

    def judge(self, answer):
        return f"{answer['seconds'] / answer['calls'] * 1e6:.1f} us a call"


class Shap:
    name, work = "G7", "exact Shapley values of 5,000 rows of H, 100 trees of depth 8 (ours and XGBoost's: the file XGBoost wrote)"
    floor, goal = 10.0, 25.0

    def __init__(self):
        def train(path, program):
            import subprocess
            x, y = higgs_like()
            x[:450_000].tofile(path + ".x")
            y[:450_000].tofile(path + ".y")
            subprocess.run(peer("g7_train.py", program, path + ".x", path + ".y", path), check=True)
            os.remove(path + ".x")
            os.remove(path + ".y")
        self.models = {"xgboost": need("g7_xgboost.json", lambda path: train(path, "xgboost")),
                       "lightgbm": need("g7_lightgbm.txt", lambda path: train(path, "lightgbm"))}
        self.rows = need("g7_rows.f32", lambda path: higgs_like()[0][450_000:455_000].tofile(path))
        self.values = os.path.join(DATA, "g7_values_{}.f64")
        self.exact = None

    def cairn(self, programs):
        return [os.path.join(programs, "bench_g7_shap"), self.models["xgboost"], self.rows, self.values.format("cairn")]

    def peers(self):
        return {name: peer("g7_shap.py", name, model, self.rows, self.values.format(name)) for name, model in self.models.items()}

    def judge(self, answer):
        """XGBoost's model: equal to XGBoost's own values. LightGBM's: they add up to its own raw scores."""
        values = numpy.fromfile(answer["values"]).reshape(5_000, 29)
        if "lightgbm" in answer["values"]:
            import subprocess
            raw = self.values.format("lightgbm_raw")
            subprocess.run(peer("g7_train.py", "raw", self.models["lightgbm"], self.rows, raw), check=True)
            worst = float(numpy.max(numpy.abs(values.sum(axis=1) - numpy.fromfile(raw))))
        else:
            if self.exact is None:
                import subprocess
                own = self.values.format("exact")
                subprocess.run(peer("g7_train.py", "shap", self.models["xgboost"], self.rows, own), check=True)
                self.exact = numpy.fromfile(own).reshape(5_000, 29)
            worst = float(numpy.max(numpy.abs(values - self.exact)))
        if worst > 1e-5:
            raise Disagreement(f"values differ by {worst:.3g}")
        return f"values within {worst:.1g}"


ROWS = (Csv, *READING_ROWS, LeastSquares, Logistic, *LINEAR_ROWS, Auc, WholeProcess, Boosting, LeafWise, Forest, SingleTree, Predict, PredictOne, Shap, *NETWORK_ROWS)
