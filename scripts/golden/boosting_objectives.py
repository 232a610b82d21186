"""Writes tests/golden/boosting_objectives.json: what XGBoost, LightGBM and scikit-learn reach on rows that the tests make too.

    python scripts/golden/boosting_objectives.py > tests/golden/boosting_objectives.json
    (xgboost 3.2.0, lightgbm 4.7.0, scikit-learn)
"""
import json
import math

import lightgbm
import numpy as np
import sklearn
import xgboost
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import average_precision_score, ndcg_score

THREADS = 2


class Made:
    """The numbers of tests/tree/made_rows.h."""

    def __init__(self, seed):
        self.state = seed
        for _ in range(4):
            self.uniform()

    def uniform(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 11) / 9007199254740992.0

    def normal(self):
        total = -6.0
        for _ in range(12):
            total += self.uniform()
        return total


LEVELS = [0.1, 0.5, 0.9]


def quantile_rows(seed, n):
    """A spread that grows with x1, noise that is skewed."""
    made = Made(seed)
    x, y = [], []
    for _ in range(n):
        row = [4 * made.uniform() - 2 for _ in range(3)]
        e = made.normal()
        x.append(row)
        y.append(row[0] + row[0] * row[2] + (0.3 + abs(row[1])) * (e + 0.3 * e * e))
    return np.array(x), np.array(y)


def pinball(y, q, level):
    e = y - q
    return float(np.mean(np.maximum(level * e, (level - 1) * e)))


def quantiles():
    (x, y), (tx, ty) = quantile_rows(1, 3000), quantile_rows(2, 3000)
    booster = xgboost.train(
        {"objective": "reg:quantileerror", "quantile_alpha": LEVELS, "eta": 0.1, "max_depth": 4, "nthread": THREADS},
        xgboost.QuantileDMatrix(x, y), num_boost_round=100)
    said = {"xgboost": booster.predict(xgboost.DMatrix(tx))}
    said["scikit-learn"] = np.stack([HistGradientBoostingRegressor(
        loss="quantile", quantile=a, max_iter=100, learning_rate=0.1, max_depth=4, min_samples_leaf=1).fit(x, y).predict(tx)
        for a in LEVELS], axis=1)
    said["lightgbm"] = np.stack([lightgbm.train(
        {"objective": "quantile", "alpha": a, "learning_rate": 0.1, "max_depth": 4, "num_leaves": 16, "min_data_in_leaf": 1,
         "verbose": -1, "num_threads": THREADS}, lightgbm.Dataset(x, y), 100).predict(tx) for a in LEVELS], axis=1)
    return {"levels": LEVELS, "first": [*x[0].tolist(), float(y[0])],
            "peers": {name: {"pinball": float(np.mean([pinball(ty, q[:, i], a) for i, a in enumerate(LEVELS)])),
                             "below": [float(np.mean(ty <= q[:, i])) for i in range(3)],
                             "crossing": float(np.mean(np.any(np.diff(q, axis=1) < 0, axis=1)))} for name, q in said.items()}}


def dart():
    """Held-out root mean squared errors of boosting whose rounds leave out others, by the share that is left out."""
    (x, y), (tx, ty) = quantile_rows(1, 3000), quantile_rows(2, 3000)
    reached = {}
    for share in (0.1, 0.5):
        booster = xgboost.train({"booster": "dart", "rate_drop": share, "one_drop": 1, "eta": 0.3, "max_depth": 4, "nthread": THREADS},
                                xgboost.QuantileDMatrix(x, y), num_boost_round=60)
        reached[str(share)] = float(np.sqrt(np.mean((ty - booster.predict(xgboost.DMatrix(tx), iteration_range=(0, 60)))**2)))
    return reached


def ranking_rows(seed, queries, rows=12):
    made = Made(seed)
    x, y = [], []
    for _ in range(queries):
        about = made.normal()
        for _ in range(rows):
            row = [made.normal() for _ in range(5)]
            score = row[0] + 0.7 * row[1] * row[2] + math.sin(2 * row[3]) + about + 0.8 * made.normal()
            x.append(row)
            y.append(min(4, max(0, math.floor(score + 1))))
    return np.array(x), np.array(y, dtype=float), np.repeat(np.arange(queries), rows)


def tied_ndcg(y, score, k):
    """scikit-learn's, which averages over ties, with gains 2^relevance - 1."""
    return float(ndcg_score([2.0**y - 1], [score], k=k))


def by_query(query, value):
    return [value(query == q) for q in np.unique(query)]


def mean_ndcg(y, score, query, k):
    return float(np.nanmean(by_query(query, lambda rows: tied_ndcg(y[rows], score[rows], k) if y[rows].any() else np.nan)))


def mean_map(y, score, query):
    return float(np.nanmean(by_query(
        query, lambda rows: average_precision_score(y[rows] > 0, score[rows]) if y[rows].any() else np.nan)))


def rankers(x, y, query):
    """Each peer's scores for other rows, by what it was asked to learn."""
    relevant = (y > 2).astype(float)
    for name, labels in (("ndcg", y), ("map", relevant)):
        booster = xgboost.train({"objective": f"rank:{name}", "eta": 0.1, "max_depth": 4, "nthread": THREADS},
                                xgboost.QuantileDMatrix(x, labels, qid=query), num_boost_round=100)
        yield f"xgboost {name}", lambda rows, booster=booster: booster.predict(xgboost.DMatrix(rows))
    for name, labels in (("ndcg", y), ("map", relevant)):  # LightGBM learns NDCG alone, here of the same relevances
        booster = lightgbm.train({"objective": "lambdarank", "learning_rate": 0.1, "max_depth": 4, "num_leaves": 16, "verbose": -1,
                                  "num_threads": THREADS}, lightgbm.Dataset(x, labels, group=np.bincount(query)), 100)
        yield f"lightgbm {name}", booster.predict


def ranking():
    reached, seeds = {}, [1, 3, 5]
    for seed in seeds:
        (x, y, query), (tx, ty, tquery) = ranking_rows(seed, 300), ranking_rows(seed + 1, 300)
        for name, said in rankers(x, y, query):
            score = said(tx)
            if name == "lightgbm ndcg" and seed == 1:
                few, shown = ty[:60], np.round(score[:60], 1)  # with ties
            value = mean_ndcg(ty, score, tquery, 10) if name.endswith("ndcg") else mean_map((ty > 2).astype(float), score, tquery)
            reached.setdefault(name, []).append(value)
    x, y, query = ranking_rows(1, 5)
    return {"first": [*x[0].tolist(), float(y[0])], "seeds": seeds, "peers": reached,
            "metrics": {"score": shown.tolist(), "relevance": few.tolist(), "rows": 12,
                        "ndcg": mean_ndcg(few, shown, query, None), "ndcg@5": mean_ndcg(few, shown, query, 5)}}


def survival_rows(seed, n):
    made = Made(seed)
    x, time, event = [], [], []
    for _ in range(n):
        row = [made.normal() for _ in range(4)]
        until = math.exp(1 + 0.8 * row[0] - 0.5 * row[1] * row[2] + 0.5 * made.normal())
        censored = math.exp(1.5 + 1.0 * made.normal())
        x.append(row)
        time.append(round(min(until, censored), 2) + 0.01)  # with equal times
        event.append(1 if until <= censored else 0)
    return np.array(x), np.array(time), np.array(event)


def concordance(time, event, risk):
    """Harrell's C, pair by pair."""
    right = pairs = 0.0
    for i in np.flatnonzero(event):
        later = (time > time[i]) | ((time == time[i]) & (event == 0))
        pairs += later.sum()
        right += (risk[later] < risk[i]).sum() + 0.5 * (risk[later] == risk[i]).sum()
    return float(right / pairs)


def survival_matrix(x, time, event, params, margin=None):
    if params["objective"] == "survival:cox":
        data = xgboost.DMatrix(x, np.where(event == 1, time, -time))
    else:
        data = xgboost.DMatrix(x)
        data.set_float_info("label_lower_bound", time)
        data.set_float_info("label_upper_bound", np.where(event == 1, time, np.inf))
    if margin is not None:
        data.set_base_margin(margin)
    return data


def derivatives(params, time, event, margin):
    """The row that a question of its own splits off is a leaf: its cover is h, its value -g / (h + lambda)."""
    g, h, tiny = [], [], 1e-9
    for row in range(len(time)):
        data = survival_matrix((np.arange(len(time)) == row).astype(float)[:, None], time, event, params, margin)
        booster = xgboost.train({**params, "eta": 1, "lambda": tiny, "max_depth": 1, "min_child_weight": 0, "gamma": 0,
                                 "tree_method": "exact", "nthread": 1}, data, num_boost_round=1)
        tree = json.loads(booster.get_dump(with_stats=True, dump_format="json")[0])
        leaf = tree["children"][1]
        h.append(leaf["cover"])
        g.append(-leaf["leaf"] * (leaf["cover"] + tiny))
    return {"g": g, "h": h}


COX = {"objective": "survival:cox"}


def aft(noise, scale):
    return {"objective": "survival:aft", "aft_loss_distribution": noise, "aft_loss_distribution_scale": scale}


def survival():
    (x, time, event), (tx, ttime, tevent) = survival_rows(1, 2000), survival_rows(2, 1000)
    peers = {}
    for name, params in (("cox", COX), ("normal", aft("normal", 1.0)), ("logistic", aft("logistic", 0.5)), ("extreme", aft("extreme", 0.7))):
        booster = xgboost.train({**params, "eta": 0.1, "max_depth": 3, "nthread": THREADS}, survival_matrix(x, time, event, params),
                                num_boost_round=60)
        said = booster.predict(survival_matrix(tx, ttime, tevent, params))
        peers[name] = concordance(ttime, tevent, said if name == "cox" else -said)
    made = Made(5)
    # Of equal times XGBoost's derivative of the first row leaves out the events that stand after it, which is no derivative
    # of Breslow's likelihood: all times differ here.
    few, few_events = np.round(time[:16] + 0.001 * np.arange(16), 3), event[:16]
    margin = np.array([round(made.normal(), 2) for _ in range(16)])
    return {"first": [*x[0].tolist(), float(time[0]), int(event[0])], "events": int(event.sum()), "concordance": peers,
            "few": {"time": few.tolist(), "event": few_events.tolist(), "margin": margin.tolist(), "cox": derivatives(COX, few, few_events, margin),
                    "normal": derivatives(aft("normal", 1.3), few, few_events, margin),
                    "logistic": derivatives(aft("logistic", 1.3), few, few_events, margin),
                    "extreme": derivatives(aft("extreme", 1.3), few, few_events, margin)}}


def main():
    print(json.dumps({
        "made_by": f"scripts/golden/boosting_objectives.py, xgboost {xgboost.__version__}, lightgbm {lightgbm.__version__}, "
                   f"scikit-learn {sklearn.__version__}",
        "quantiles": quantiles(), "dart": dart(), "ranking": ranking(), "survival": survival()}))


if __name__ == "__main__":
    main()
