"""Rows R: files of other formats than CSV to columns in memory."""
import os

import numpy

from harness import Disagreement, need, peer


class Reading:
    floor, goal = 1.0, 2.0
    format, names = "", ()

    def cairn(self, programs):
        return [os.path.join(programs, "bench_r_read_table"), self.format, self.file]

    def peers(self):
        return {name: peer("r_read_table.py", name, self.file) for name in self.names}

    def judge(self, answer):
        rows, stated, total = self.truth
        if (answer["rows"], answer["stated"]) != (rows, stated) or abs(answer["sum"] - total) > 1e-6 * stated:
            raise Disagreement(f"{answer} instead of {self.truth}")
        return f"{stated:,} values, their sum agrees"


class Libsvm(Reading):
    name, work = "R.libsvm", "a libsvm file (100,000 x 1,000, 3 % stated, 34 MB) to a sparse matrix"
    format, names = "libsvm", ("scikit-learn",)

    def __init__(self):
        g = numpy.random.default_rng(0)
        rows, columns = 100_000, 1_000
        kept = g.random((rows, columns)) < 0.03
        values = numpy.round(g.standard_normal(int(kept.sum())), 4)
        labels = g.integers(0, 2, rows)

        def write(path):
            ends = numpy.cumsum(kept.sum(axis=1))
            with open(path, "w", encoding="utf-8") as file:
                for row, (label, end) in enumerate(zip(labels, ends)):
                    which = numpy.flatnonzero(kept[row])
                    pairs = zip(which + 1, values[end - len(which):end])
                    file.write(f"{label} " + " ".join(f"{i}:{v:.4f}" for i, v in pairs) + "\n")
        self.file = need("r.libsvm", write)
        self.truth = rows, len(values) + rows, float(values.sum() + labels.sum())


class Npy(Reading):
    name, work = "R.npy", "an NPY file (500,000 x 28 f32, 56 MB) to columns"
    format, names = "npy", ("numpy", "polars")

    def __init__(self):
        x = numpy.random.default_rng(0).standard_normal((500_000, 28)).astype(numpy.float32)

        def write(path):
            with open(path, "wb") as file:
                numpy.save(file, x)
        self.file = need("r.npy", write)
        self.truth = len(x), x.size, float(x.sum(dtype=float))


READING_ROWS = (Libsvm, Npy)
