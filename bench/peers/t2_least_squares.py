"""Row T2: t2_least_squares.py intelex|ridge_cholesky|linear_regression X.f64 Y.f64"""
import sys

import numpy
from serve import serve

peer, x_path, y_path = sys.argv[1:]
y = numpy.fromfile(y_path)
x = numpy.fromfile(x_path).reshape(len(y), -1)
if peer == "intelex":
    from sklearnex.linear_model import LinearRegression

    model = LinearRegression()
elif peer == "ridge_cholesky":
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=0, solver="cholesky")
else:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression()
serve(lambda: model.fit(x, y), lambda fitted: {"coefficients": fitted.coef_.ravel().tolist(), "intercept": float(fitted.intercept_)})
