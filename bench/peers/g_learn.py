"""Rows G1, G2, G4 and G5: g_learn.py xgboost|lightgbm|lightgbm_quantised|lightgbm_leaves|forest|tree X.f32 Y.i32 TEST.f32 SCORES.f64"""
import os
import sys

import numpy
from serve import serve

peer, x_path, y_path, test_path, scores = sys.argv[1:]
y = numpy.fromfile(y_path, dtype=numpy.int32)
x = numpy.fromfile(x_path, dtype=numpy.float32).reshape(len(y), -1)
test = numpy.fromfile(test_path, dtype=numpy.float32).reshape(-1, x.shape[1])
threads = int(os.environ.get("OMP_NUM_THREADS", "2"))
if peer == "xgboost":
    from xgboost import XGBClassifier
    model = XGBClassifier(n_estimators=100, max_depth=8, max_leaves=255, learning_rate=0.1, max_bin=255, tree_method="hist", n_jobs=threads)
elif peer.startswith("lightgbm"):
    from lightgbm import LGBMClassifier
    shape = {"num_leaves": 31} if peer == "lightgbm_leaves" else {"num_leaves": 255, "max_depth": 8}
    model = LGBMClassifier(n_estimators=100, learning_rate=0.1, max_bin=255, n_jobs=threads, verbose=-1,
                           use_quantized_grad=peer == "lightgbm_quantised", **shape)
elif peer == "forest":
    from sklearn.ensemble import RandomForestClassifier
    model = RandomForestClassifier(n_estimators=100, n_jobs=threads, random_state=0)
else:
    from sklearn.tree import DecisionTreeClassifier
    model = DecisionTreeClassifier(max_depth=12, random_state=0)


def tell(fitted):
    fitted.predict_proba(test)[:, 1].astype(float).tofile(scores)
    return {"scores": scores}


serve(lambda: model.fit(x, y), tell)
