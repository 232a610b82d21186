"""Row G7, beside the clock: g7_train.py xgboost|lightgbm X.f32 Y.i32 MODEL, or raw|shap MODEL ROWS.f32 TO.f64"""
import sys

import lightgbm
import numpy
import xgboost

what, first, second, to = sys.argv[1:]
if what in ("raw", "shap"):
    x = numpy.fromfile(second, dtype=numpy.float32).reshape(-1, 28)
    result = (lightgbm.Booster(model_file=first).predict(x, raw_score=True) if what == "raw"
              else xgboost.Booster(model_file=first).predict(xgboost.DMatrix(x), pred_contribs=True))
    numpy.asarray(result, dtype=numpy.float64).tofile(to)
else:
    y = numpy.fromfile(second, dtype=numpy.int32)
    x = numpy.fromfile(first, dtype=numpy.float32).reshape(len(y), -1)
    if what == "xgboost":
        settings = {"objective": "binary:logistic", "max_depth": 8, "max_leaves": 255, "eta": 0.1, "max_bin": 255, "tree_method": "hist"}
        # The suffix names the format, and the harness writes to a temporary name.
        with open(to, "wb") as file:
            file.write(xgboost.train(settings, xgboost.DMatrix(x, y), 100).save_raw("json"))
    else:
        settings = {"objective": "binary", "max_depth": 8, "num_leaves": 255, "learning_rate": 0.1, "max_bin": 255, "verbose": -1}
        lightgbm.train(settings, lightgbm.Dataset(x, y), 100).save_model(to)
