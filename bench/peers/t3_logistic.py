"""Row T3: t3_logistic.py intelex_lbfgs|newton_cholesky|lbfgs X.f32 Y.i32 TOLERANCE"""
import sys
import warnings

import numpy
from serve import serve

peer, x_path, y_path, tolerance = sys.argv[1:]
y = numpy.fromfile(y_path, dtype=numpy.int32)
x = numpy.fromfile(x_path, dtype=numpy.float32).reshape(len(y), -1)
warnings.filterwarnings("ignore")
if peer == "intelex_lbfgs":
    from sklearnex.linear_model import LogisticRegression
else:
    from sklearn.linear_model import LogisticRegression
solver = "newton-cholesky" if peer == "newton_cholesky" else "lbfgs"
model = LogisticRegression(C=1.0, solver=solver, tol=float(tolerance), max_iter=1000)
serve(lambda: model.fit(x, y),
      lambda fitted: {"coefficients": fitted.coef_.ravel().astype(float).tolist(), "intercept": float(fitted.intercept_[0])})
