"""Row T5: t5_lasso.py one|path X.f64 Y.f64 TOLERANCE"""
import os
import sys
import warnings

import numpy
from serve import serve
from sklearn.linear_model import Lasso, LassoCV

work, x_path, y_path, tolerance = sys.argv[1:]
warnings.filterwarnings("ignore")
y = numpy.fromfile(y_path)
x = numpy.fromfile(x_path).reshape(len(y), -1)
threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
model = LassoCV(alphas=100, cv=5, tol=float(tolerance), precompute=True, n_jobs=threads) if work == "path" else Lasso(
    alpha=0.05, tol=float(tolerance), precompute=True)
serve(lambda: model.fit(x, y), lambda fitted: {"coefficients": fitted.coef_.ravel().tolist(), "intercept": float(fitted.intercept_)})
