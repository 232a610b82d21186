"""Writes tests/golden/linear_inference.json: what statsmodels tells about linear, logistic, Poisson and Gamma regressions, and
tails of distributions by scipy.

python scripts/golden/linear_inference.py      (numpy, scipy, statsmodels 0.15.0)
"""

import json
import pathlib

import numpy as np
import scipy
import scipy.stats
import statsmodels
import statsmodels.api as sm
from statsmodels.stats.diagnostic import het_breuschpagan
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.outliers_influence import OLSInfluence, variance_inflation_factor
from statsmodels.stats.stattools import durbin_watson, jarque_bera


def coefficients(fit):
    interval = np.asarray(fit.conf_int())
    return {"estimate": fit.params.tolist(), "error": fit.bse.tolist(), "statistic": fit.tvalues.tolist(),
            "p": fit.pvalues.tolist(), "low": interval[:, 0].tolist(), "high": interval[:, 1].tolist()}


def least_squares(name, x, y, weights=None):
    design = sm.add_constant(x)
    fit = sm.OLS(y, design).fit() if weights is None else sm.WLS(y, design, weights=weights).fit()
    out = {"name": name, "learner": "linear_regression", "params": {}, "y": y.tolist(),
           "weights": None if weights is None else weights.tolist(), **coefficients(fit),
           "fit": {"r2": fit.rsquared, "adjusted_r2": fit.rsquared_adj, "residual_standard_error": float(np.sqrt(fit.scale)),
                   "log_likelihood": fit.llf, "aic": fit.aic, "bic": fit.bic},
           "tests": {"F": [fit.fvalue, fit.f_pvalue]}}
    jb, p, skew, kurtosis = jarque_bera(fit.wresid)
    out["fit"].update({"residual_skew": skew, "residual_kurtosis": kurtosis, "durbin_watson": durbin_watson(fit.wresid)})
    out["tests"]["Jarque-Bera"] = [jb, p]
    if weights is None:
        lm, p, _, _ = het_breuschpagan(fit.resid, design)
        out["tests"]["Breusch-Pagan"] = [lm, p]
        influence = OLSInfluence(fit)
        cooks = influence.cooks_distance[0]
        order = np.argsort(-cooks)[:20]
        out["influence"] = {"row": (order + 1).tolist(), "residual": influence.resid_studentized_internal[order].tolist(),
                            "leverage": influence.hat_matrix_diag[order].tolist(), "cooks_distance": cooks[order].tolist(),
                            "dffits": influence.dffits[0][order].tolist()}
        out["vif"] = [variance_inflation_factor(design, j + 1) for j in range(x.shape[1])]
    return out


def generalised(name, learner, params, family, x, y, weights=None):
    design = sm.add_constant(x)
    fit = sm.GLM(y, design, family=family, var_weights=weights).fit(tol=1e-14, maxiter=200)
    if learner == "glm" and params.get("family") in ("gamma", "tweedie"):
        fit = sm.GLM(y, design, family=family, var_weights=weights).fit(tol=1e-14, maxiter=200, use_t=True)
    k, n = design.shape[1], design.shape[0]
    out = {"name": name, "learner": learner, "params": params, "y": y.tolist(), "weights": None if weights is None else weights.tolist(),
           **coefficients(fit),
           "fit": {"deviance": fit.deviance, "null_deviance": fit.null_deviance, "pearson_chi2": fit.pearson_chi2, "dispersion": fit.scale}}
    if params.get("family") != "tweedie":
        out["fit"].update({"log_likelihood": fit.llf, "aic": fit.aic, "bic": fit.bic_llf})
    if fit.scale == 1:
        lr = fit.null_deviance - fit.deviance
        out["tests"] = {"likelihood ratio": [lr, float(scipy.stats.chi2.sf(lr, k - 1))]}
    else:
        f = (fit.null_deviance - fit.deviance) / (k - 1) / fit.scale
        out["tests"] = {"F, of the deviance": [f, float(scipy.stats.f.sf(f, k - 1, n - k))]}
    # R's hat values and cooks.distance: by the expected information, where get_influence() takes the observed one.
    hat = fit.get_hat_matrix_diag(observed=False)
    assert abs(hat.sum() - k) < 1e-6
    pearson = fit.resid_pearson / np.sqrt(fit.scale)
    cooks = (pearson / (1 - hat)) ** 2 * hat / k
    order = np.argsort(-cooks)[:20]
    out["influence"] = {"row": (order + 1).tolist(), "residual": (pearson / np.sqrt(1 - hat))[order].tolist(),
                        "leverage": hat[order].tolist(), "cooks_distance": cooks[order].tolist()}
    return out


def main():
    g = np.random.default_rng(5)
    x = np.round(g.standard_normal((60, 3)) * [1, 10, 0.1] + [0, 1000, 0], 4)
    x[:, 2] = np.round(x[:, 2] + 0.08 * x[:, 0], 4)
    z = (x - [0, 1000, 0]) / [1, 10, 0.1]
    line = np.round(3 + z @ [1.0, -0.5, 0.2] + g.standard_normal(60), 4)
    side = (g.random(60) < 1 / (1 + np.exp(-z @ [1.0, -0.7, 0.3]))).astype(float)
    mean = np.exp(0.7 + z @ [0.4, -0.3, 0.1])
    counts = g.poisson(mean).astype(float)
    amounts = np.round(g.gamma(2.0, mean / 2), 4) + 0.001
    mixed = np.round(np.array([g.gamma(1.0, 1.0, size=k).sum() for k in g.poisson(mean)]), 4)
    weights = np.round(0.2 + 2 * g.random(60), 2)
    log = sm.families.links.Log()
    cases = [
        least_squares("least squares", x, line),
        least_squares("least squares, weighted", x, line, weights),
        generalised("logistic", "logistic_regression", {"penalty": "none"}, sm.families.Binomial(), x, side),
        generalised("poisson", "glm", {}, sm.families.Poisson(), x, counts),
        generalised("poisson, weighted", "glm", {}, sm.families.Poisson(), x, counts, weights),
        generalised("gamma", "glm", {"family": "gamma"}, sm.families.Gamma(log), x, amounts),
        generalised("tweedie", "glm", {"family": "tweedie"}, sm.families.Tweedie(log, var_power=1.5), x, mixed),
    ]
    s = scipy.stats
    tails = {
        "normal_tail": [[v, s.norm.sf(v)] for v in (-3, -0.1, 0, 0.5, 1.96, 8, 30)],
        "student_two_sided": [[t, df, 2 * s.t.sf(abs(t), df)] for t in (0, 0.01, -1, 2.5, 12, 200) for df in (1, 3, 30, 2500.5)],
        "chi_squared_tail": [[v, df, s.chi2.sf(v, df)] for v in (0.001, 1, 7, 90, 700) for df in (1, 2, 25, 600)],
        "f_tail": [[v, a, b, s.f.sf(v, a, b)] for v in (0.01, 0.9, 3, 40) for a, b in ((1, 5), (10, 5), (3, 1000), (200, 300))],
        "student_quantile": [[p, df, s.t.ppf(p, df)] for p in (0.025, 0.5, 0.9, 0.999) for df in (1, 4, 60.5)],
        "normal_quantile": [[p, s.norm.ppf(p)] for p in (1e-6, 0.2, 0.975)],
    }
    p = [0.01, 0.04, 0.03, 0.005, 0.8, 0.04]
    tests = {"holm": {"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()},
             "mcnemar": [[b, c, mcnemar([[10, b], [c, 10]], exact=True).pvalue] for b, c in ((0, 0), (5, 5), (1, 9), (12, 30), (400, 460))]}
    out = {"made_by": f"statsmodels {statsmodels.__version__}, scipy {scipy.__version__}", "x": x.tolist(), "cases": cases,
           "tails": tails, "tests": tests}
    path = pathlib.Path(__file__).parents[2] / "tests/golden/linear_inference.json"
    path.write_text(json.dumps(out, default=float) + "\n")
    print(path, len(path.read_text()), "bytes")


if __name__ == "__main__":
    main()
