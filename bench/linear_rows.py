"""The rows of linear models beside T2 and T3: softmax regression, the lasso and its path."""
import gzip
import os

import numpy

from harness import Disagreement, need, peer


def idx(name):
    """The values of an IDX file of bytes."""
    folder = os.environ.get("CAIRN_DATA", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "shared", "data"))
    with gzip.open(os.path.join(folder, "mnist", name)) as file:
        raw = file.read()
    dimensions = raw[3]
    return numpy.frombuffer(raw, dtype=numpy.uint8, offset=4 + 4 * dimensions)


class Softmax:
    name, work = "T4", "softmax regression, MNIST (60,000 x 784 f32 in 0..1), L2 with C = 1, objective within 1e-4 of the best"
    floor, goal = 1.5, 5.0
    # lbfgs takes as long at 1e-4 as intelex and stops 0.3 % above the best; intelex takes as long at every tolerance tried.
    tolerances = (("lbfgs", "1e-4"), ("intelex", "1e-1"))

    def __init__(self):
        self.files = [
            need("t4_x.f32", lambda path: (idx("train-images-idx3-ubyte.gz") / numpy.float32(255)).astype(numpy.float32).tofile(path)),
            need("t4_y.i32", lambda path: idx("train-labels-idx1-ubyte.gz").astype(numpy.int32).tofile(path))]
        self.x = self.y = self.best = None

    def cairn(self, programs):
        return [os.path.join(programs, "bench_t4_softmax"), *self.files, "1e-4"]

    def peers(self):
        return {f"{name} tol {tolerance}": peer("t4_softmax.py", name, *self.files, tolerance)
                for name, tolerance in self.tolerances}

    def objective(self, w, b):
        total = 0.5 * float(numpy.sum(w * w))
        for begin in range(0, len(self.y), 5000):
            z = self.x[begin:begin + 5000].astype(float) @ w.T + b
            z -= z.max(axis=1, keepdims=True)
            part = self.y[begin:begin + 5000]
            total += float(numpy.sum(numpy.log(numpy.exp(z).sum(axis=1)) - z[numpy.arange(len(part)), part]))
        return total

    def judge(self, answer):
        if self.x is None:
            self.y = numpy.fromfile(self.files[1], dtype=numpy.int32)
            self.x = numpy.fromfile(self.files[0], dtype=numpy.float32).reshape(len(self.y), -1)

            def best(path):
                from sklearn.linear_model import LogisticRegression
                fit = LogisticRegression(C=1.0, tol=1e-7, max_iter=20_000).fit(self.x.astype(float), self.y)
                numpy.array([self.objective(fit.coef_, fit.intercept_)]).tofile(path)
            self.best = float(numpy.fromfile(need("t4_best.f64", best))[0])
        w = numpy.array(answer["coefficients"]).reshape(10, -1)
        above = self.objective(w, numpy.array(answer["intercepts"])) / self.best - 1
        if not above <= 1e-4:
            raise Disagreement(f"objective is {above:.2g} above the best")
        return f"objective {above:.1g} above the best"


class LassoOne:
    name, work = "T5", "lasso 1,000,000 x 50 f64, alpha 0.05, with intercept"
    floor, goal = 1.5, 4.0
    kind, shape = "one", (1_000_000, 50)

    def __init__(self):
        def make(rows):
            g = numpy.random.default_rng(0)
            x = g.standard_normal((rows, self.shape[1]))
            w = numpy.where(numpy.arange(self.shape[1]) % 5 == 0, g.standard_normal(self.shape[1]), 0)
            return x, x @ w + 3 + g.standard_normal(rows)
        stem = f"t5_{self.kind}"
        self.files = [need(stem + "_x.f64", lambda path: make(self.shape[0])[0].tofile(path)),
                      need(stem + "_y.f64", lambda path: make(self.shape[0])[1].tofile(path))]
        self.x = self.y = self.exact = None

    def cairn(self, programs):
        return [os.path.join(programs, "bench_t5_lasso"), self.kind, *self.files]

    def peers(self):
        return {f"scikit-learn tol {tolerance}": peer("t5_lasso.py", self.kind, *self.files, tolerance) for tolerance in ("1e-4", "1e-8")}

    def load(self):
        if self.x is None:
            self.y = numpy.fromfile(self.files[1])
            self.x = numpy.fromfile(self.files[0]).reshape(len(self.y), -1)

    def judge(self, answer):
        self.load()
        if self.exact is None:
            from sklearn.linear_model import Lasso
            fit = Lasso(alpha=0.05, tol=1e-12, max_iter=100_000, precompute=True).fit(self.x, self.y)
            self.exact = numpy.append(fit.coef_, fit.intercept_)
        worst = float(numpy.max(numpy.abs(numpy.append(answer["coefficients"], answer["intercept"]) - self.exact)))
        if worst > 1e-4:
            raise Disagreement(f"coefficients differ from the solution by {worst:.3g}")
        return f"coefficients within {worst:.1g} of the solution"


class LassoPath(LassoOne):
    name, work = "T5P", "lasso path of 100 strengths with 5 folds, 100,000 x 100 f64"
    kind, shape = "path", (100_000, 100)

    def judge(self, answer):
        """Folds are dealt differently, so strengths need not agree: the weights must explain the data as well as least squares do."""
        self.load()
        w, b = numpy.array(answer["coefficients"]), answer["intercept"]
        error = float(numpy.mean((self.y - self.x @ w - b) ** 2))
        if self.exact is None:
            design = numpy.column_stack([self.x, numpy.ones(len(self.y))])
            self.exact = float(numpy.mean((self.y - design @ numpy.linalg.lstsq(design, self.y, rcond=None)[0]) ** 2))
        if error > 1.003 * self.exact:
            raise Disagreement(f"mean squared error {error:.6g} where least squares have {self.exact:.6g}")
        return f"mean squared error {error / self.exact - 1:.1g} above least squares"


LINEAR_ROWS = (Softmax, LassoOne, LassoPath)
