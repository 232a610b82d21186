"""Rows R: r_read_table.py scikit-learn|numpy|polars FILE"""
import sys

from serve import serve

peer, path = sys.argv[1:]
if peer == "scikit-learn":
    from sklearn.datasets import load_svmlight_file

    serve(lambda: load_svmlight_file(path),
          lambda read: {"rows": read[0].shape[0], "stated": read[0].nnz + len(read[1]), "sum": float(read[0].sum() + read[1].sum())})
elif peer == "numpy":
    import numpy

    serve(lambda: numpy.load(path), lambda x: {"rows": len(x), "stated": x.size, "sum": float(x.sum(dtype=float))})
else:
    import numpy
    import polars

    serve(lambda: polars.from_numpy(numpy.load(path)),
          lambda frame: {"rows": frame.height, "stated": frame.height * frame.width,
                         "sum": float(sum(frame.select(polars.all().cast(polars.Float64).sum()).row(0)))})
