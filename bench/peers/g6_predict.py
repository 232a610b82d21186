"""Row G6: g6_predict.py xgboost|lightgbm X.f32 Y.i32 ROWS.f32 many|one, the best call each has for the work"""
import os
import sys

import numpy
from serve import serve

peer, x_path, y_path, rows_path, how = sys.argv[1:]
y = numpy.fromfile(y_path, dtype=numpy.int32)
x = numpy.fromfile(x_path, dtype=numpy.float32).reshape(len(y), -1)
rows = numpy.fromfile(rows_path, dtype=numpy.float32).reshape(-1, x.shape[1])
threads = int(os.environ.get("OMP_NUM_THREADS", "2"))
CALLS = 20000
if peer == "xgboost":
    import xgboost
    model = xgboost.train({"max_depth": 8, "eta": 0.1, "max_bin": 255, "tree_method": "hist", "objective": "binary:logistic",
                           "nthread": threads}, xgboost.DMatrix(x, y), 100)
    predict = model.inplace_predict
else:
    import lightgbm
    model = lightgbm.train({"max_depth": 8, "num_leaves": 255, "learning_rate": 0.1, "objective": "binary", "num_threads": threads,
                            "verbose": -1}, lightgbm.Dataset(x, y), 100)

    def predict(some):
        return model.predict(some, num_threads=threads)


def one_by_one():
    for i in range(CALLS):
        predict(rows[i:i + 1])


if how == "many":
    serve(lambda: predict(rows), lambda p: {"rows": len(rows), "first": float(p[0])})
else:
    serve(one_by_one, lambda _: {"calls": CALLS})
