"""Writes the data sets of scikit-learn 1.9.1 that ship in data/, with a header and class names instead of codes."""
import os

from sklearn import datasets

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data")


def write(name, bunch, target):
    frame = bunch.frame.rename(columns=lambda column: column.replace(" (cm)", "").replace(" ", "_").replace("/", "_"))
    if hasattr(bunch, "target_names") and len(bunch.target_names):
        frame["target"] = [bunch.target_names[code] for code in bunch.target]
    frame.rename(columns={"target": target}).to_csv(os.path.join(FOLDER, name + ".csv"), index=False, lineterminator="\n")


write("iris", datasets.load_iris(as_frame=True), "species")
write("wine", datasets.load_wine(as_frame=True), "cultivar")
write("breast_cancer", datasets.load_breast_cancer(as_frame=True), "diagnosis")
write("diabetes", datasets.load_diabetes(as_frame=True, scaled=False), "progression")
