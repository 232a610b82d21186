#!/usr/bin/env python3
"""Writes trees of scikit-learn as ONNX by skl2onnx, with what scikit-learn and onnxruntime predict of some rows.

  pip install scikit-learn==1.9.1 skl2onnx==1.20.0 'onnx<1.19' onnxruntime==1.32.0
  scripts/golden/onnx_trees.py        # tests/golden/trees/onnx_*.onnx and onnx_pairs.json
"""
import json
import os

import numpy
import onnxruntime
import skl2onnx.common._container as container
from onnx import TensorProto, helper
from sklearn import datasets, ensemble, tree
from skl2onnx import to_onnx

FOLDER = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "golden", "trees")

# skl2onnx 1.20 hands booleans to a list of integers, which today's protobuf refuses.
make_node = container.make_node
container.make_node = lambda *a, **k: make_node(
    *a, **{n: [int(x) if isinstance(x, (bool, numpy.bool_)) else x for x in v] if isinstance(v, list) else v for n, v in k.items()})


def write_with_nodes_before(data):
    """Two files whose trees do not ask the input itself: it is rounded to f32 first, or two of its columns are chosen."""
    model = tree.DecisionTreeRegressor(max_depth=2, random_state=0).fit(data.data[:, :2], data.target)
    for name, node in (("cast", helper.make_node("Cast", ["wide"], ["X"], to=TensorProto.FLOAT)),
                       ("extractor", helper.make_node("ArrayFeatureExtractor", ["wide", "columns"], ["X"], domain="ai.onnx.ml"))):
        written = to_onnx(model, data.data[:1, :2].astype(numpy.float32))
        written.graph.input[0].name = "wide"
        written.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE if name == "cast" else TensorProto.FLOAT
        written.graph.node.insert(0, node)
        with open(os.path.join(FOLDER, f"onnx_{name}_before.onnx"), "wb") as file:
            file.write(written.SerializeToString())


def write_with_promises(iris, diabetes):
    """Two files that carry rows and what scikit-learn predicts of them, as a property of the model."""
    for name, model, data in (("classes", ensemble.RandomForestClassifier(5, max_depth=3, random_state=0), iris),
                              ("numbers", ensemble.RandomForestRegressor(5, max_depth=3, random_state=0), diabetes)):
        x = data.data.astype(numpy.float32)
        model.fit(x, data.target)
        rows = x[::15][:10]
        said = model.predict_proba(rows) if name == "classes" else model.predict(rows).reshape(-1, 1)
        written = to_onnx(model, x[:1], options={"zipmap": False} if name == "classes" else None)
        helper.set_model_props(written, {"cairn_parity": json.dumps({"rows": rows.tolist(), "predicted": said.tolist()})})
        with open(os.path.join(FOLDER, f"onnx_promised_{name}.onnx"), "wb") as file:
            file.write(written.SerializeToString())


def main():
    iris, cancer, diabetes = datasets.load_iris(), datasets.load_breast_cancer(), datasets.load_diabetes()
    named = iris.target_names[iris.target]
    f64 = {"dtype": numpy.float64, "opset": {"": 18, "ai.onnx.ml": 3}}
    cases = {
        "tree_classes": (tree.DecisionTreeClassifier(max_depth=4, random_state=0), iris.data, iris.target, {}),
        "tree_numbers": (tree.DecisionTreeRegressor(max_depth=4, random_state=0), diabetes.data, diabetes.target, {}),
        "forest_names": (ensemble.RandomForestClassifier(7, max_depth=4, random_state=0), iris.data, named, {}),
        "forest_binary": (ensemble.RandomForestClassifier(7, max_depth=3, random_state=0), cancer.data, cancer.target, {}),
        "forest_numbers": (ensemble.RandomForestRegressor(7, max_depth=4, random_state=0), diabetes.data, diabetes.target, {}),
        "forest_f64": (ensemble.ExtraTreesRegressor(5, max_depth=4, random_state=0), diabetes.data, diabetes.target, f64),
        "boosting_binary": (ensemble.GradientBoostingClassifier(n_estimators=9, max_depth=2, random_state=0), cancer.data, cancer.target, {}),
        "boosting_classes": (ensemble.GradientBoostingClassifier(n_estimators=5, max_depth=2, random_state=0), iris.data, iris.target, {}),
        "boosting_numbers": (ensemble.GradientBoostingRegressor(n_estimators=9, max_depth=2, random_state=0), diabetes.data, diabetes.target, {}),
        "hist_binary": (ensemble.HistGradientBoostingClassifier(max_iter=8, max_depth=3), cancer.data, cancer.target, {"missing": True}),
        "hist_classes": (ensemble.HistGradientBoostingClassifier(max_iter=4, max_depth=2), iris.data, iris.target, {"missing": True}),
        "hist_numbers": (ensemble.HistGradientBoostingRegressor(max_iter=8, max_depth=3), diabetes.data, diabetes.target, {"missing": True}),
    }
    draw, pairs = numpy.random.default_rng(0), {}
    for name, (model, x, y, how) in cases.items():
        x = x.astype(how.get("dtype", numpy.float32))
        if how.get("missing"):
            x = x.copy()
            x[draw.random(x.shape) < 0.1] = numpy.nan
        model.fit(x, y)
        written = to_onnx(model, x[:1], target_opset=how.get("opset"), options={"zipmap": False} if hasattr(model, "classes_") else None)
        with open(os.path.join(FOLDER, f"onnx_{name}.onnx"), "wb") as file:
            file.write(written.SerializeToString())
        rows = x[draw.choice(len(x), 40, replace=False)]
        # onnxruntime refuses skl2onnx's regressors of f64.
        said = onnxruntime.InferenceSession(written.SerializeToString()).run(None, {"X": rows}) if "dtype" not in how else [[]]
        own = model.predict_proba(rows) if hasattr(model, "classes_") else model.predict(rows)
        pairs[f"onnx_{name}.onnx"] = {
            "classes": [str(c) for c in model.classes_] if hasattr(model, "classes_") else [],
            "rows": [[None if numpy.isnan(v) else float(v) for v in row] for row in rows],
            "predicted": numpy.asarray(own, dtype=float).ravel().tolist(),
            "onnxruntime": numpy.asarray(said[-1], dtype=float).ravel().tolist(),
        }
    write_with_nodes_before(diabetes)
    write_with_promises(iris, diabetes)
    with open(os.path.join(FOLDER, "onnx_pairs.json"), "w", encoding="utf-8") as file:
        json.dump(pairs, file)


main()
