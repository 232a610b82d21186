"""Row G7: g7_shap.py xgboost|lightgbm MODEL ROWS.f32 VALUES.f64"""
import os
import sys

import numpy
from serve import serve

peer, model, rows, values = sys.argv[1:]
x = numpy.fromfile(rows, dtype=numpy.float32).reshape(-1, 28)
if peer == "xgboost":
    import xgboost
    booster, data = xgboost.Booster(model_file=model), xgboost.DMatrix(x)

    def work():
        booster.set_param("nthread", len(os.sched_getaffinity(0)))
        return booster.predict(data, pred_contribs=True)
else:
    import lightgbm
    booster = lightgbm.Booster(model_file=model)

    def work():
        return booster.predict(x, pred_contrib=True, num_threads=len(os.sched_getaffinity(0)))


def tell(result):
    numpy.asarray(result, dtype=numpy.float64).tofile(values)
    return {"values": values}


serve(work, tell)
