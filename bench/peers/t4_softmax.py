"""Row T4: t4_softmax.py lbfgs|intelex X.f32 Y.i32 TOLERANCE"""
import sys
import warnings

import numpy
from serve import serve

peer, x_path, y_path, tolerance = sys.argv[1:]
y = numpy.fromfile(y_path, dtype=numpy.int32)
x = numpy.fromfile(x_path, dtype=numpy.float32).reshape(len(y), -1)
warnings.filterwarnings("ignore")
if peer == "intelex":
    from sklearnex.linear_model import LogisticRegression
else:
    from sklearn.linear_model import LogisticRegression
model = LogisticRegression(C=1.0, solver="lbfgs", tol=float(tolerance), max_iter=2000)
serve(lambda: model.fit(x, y), lambda fitted: {"coefficients": fitted.coef_.astype(float).ravel().tolist(),
                                               "intercepts": fitted.intercept_.astype(float).tolist()})
