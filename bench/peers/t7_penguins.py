"""Row T7: t7_penguins.py DATA TARGET FOLDER. What `cairn train` does, written with scikit-learn: candidates by cross-validation on
the training rows against a baseline, the winner measured on held-out rows with a bootstrap interval, learning curve,
permutation importance, the model and a report on disk."""
import html
import json
import os
import sys

import joblib
import numpy
import pandas
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix, log_loss
from sklearn.model_selection import cross_val_score, learning_curve, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

path, target, folder = sys.argv[1:]
table = pandas.read_csv(path)
train, test = train_test_split(table, test_size=0.2, random_state=0, stratify=table[target])
x, y, x_test, y_test = train.drop(columns=target), train[target], test.drop(columns=target), test[target]


def prepared(learner):
    return make_pipeline(make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()),
         make_column_selector(dtype_include="number")),
        (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", sparse_output=False)),
         make_column_selector(dtype_exclude="number"))), learner)


candidates = {"constant": DummyClassifier(), "logistic": LogisticRegression(), "nearest_neighbours": KNeighborsClassifier(),
              "naive_bayes": GaussianNB()}
scores = {name: cross_val_score(prepared(learner), x, y, cv=5, scoring="neg_log_loss").mean()
          for name, learner in candidates.items()}
best = max(scores, key=scores.get)
model = prepared(candidates[best]).fit(x, y)
probabilities, predicted = model.predict_proba(x_test), model.predict(x_test)
accuracy = accuracy_score(y_test, predicted)
generator = numpy.random.default_rng(0)
right = (predicted == y_test.to_numpy())
resampled = [right[generator.integers(0, len(right), len(right))].mean() for _ in range(1000)]
sizes, train_scores, test_scores = learning_curve(model, x, y, cv=5, train_sizes=numpy.linspace(0.2, 1, 5), scoring="neg_log_loss")
importance = permutation_importance(model, x_test, y_test, n_repeats=5, random_state=0)
result = {"learner": best, "accuracy": accuracy, "low": numpy.quantile(resampled, 0.025), "high": numpy.quantile(resampled, 0.975),
          "log_loss": log_loss(y_test, probabilities, labels=model.classes_), "candidates": scores,
          "learning_curve": {"rows": sizes.tolist(), "train": train_scores.mean(1).tolist(), "test": test_scores.mean(1).tolist()},
          "confusion": confusion_matrix(y_test, predicted).tolist(),
          "importance": dict(zip(x.columns, importance.importances_mean.tolist()))}
joblib.dump(model, os.path.join(folder, "model.joblib"))
with open(os.path.join(folder, "result.json"), "w", encoding="utf-8") as file:
    json.dump(result, file)
with open(os.path.join(folder, "report.html"), "w", encoding="utf-8") as file:
    file.write("<h1>" + target + "</h1><pre>" + html.escape(classification_report(y_test, predicted) + json.dumps(result, indent=1)) + "</pre>")
