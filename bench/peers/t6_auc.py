"""Row T6: t6_auc.py SCORES.f64 LABELS.i32"""
import sys

import numpy
from serve import serve
from sklearn.metrics import roc_auc_score

scores, labels = numpy.fromfile(sys.argv[1]), numpy.fromfile(sys.argv[2], dtype=numpy.int32)
serve(lambda: roc_auc_score(labels, scores), lambda area: {"area": float(area)})
