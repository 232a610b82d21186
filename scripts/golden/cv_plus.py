"""Writes tests/golden/cv_plus.json: CV+ intervals of least squares by MAPIE; folds are the values of `group`.

python scripts/golden/cv_plus.py      (numpy, scikit-learn 1.9.1, mapie 1.6.0)
"""

import json
import pathlib

import mapie
import numpy as np
from mapie.regression import CrossConformalRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import PredefinedSplit


def main():
    g = np.random.default_rng(3)
    x = np.round(g.standard_normal((40, 4)), 4)
    y = np.round(x[:, 0] - x[:, 1] + g.standard_normal(40), 4)
    new, group = np.round(g.standard_normal((6, 4)), 4), np.arange(40) * 3 % 5
    intervals = {}
    for level in (0.5, 0.8, 0.9):
        model = CrossConformalRegressor(estimator=LinearRegression(), confidence_level=level, method="plus",
                                        cv=PredefinedSplit(group)).fit_conformalize(x, y)
        intervals[str(level)] = model.predict_interval(new)[1].squeeze().tolist()
    out = pathlib.Path(__file__).parents[2] / "tests/golden/cv_plus.json"
    out.write_text(json.dumps({"made_by": f"scripts/golden/cv_plus.py, MAPIE {mapie.__version__}", "x": x.tolist(),
                               "y": y.tolist(), "group": group.tolist(), "new": new.tolist(), "intervals": intervals},
                              separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
