"""Row T1: t1_csv.py polars|pandas FILE"""
import sys

from serve import serve

peer, path = sys.argv[1:]
if peer == "polars":
    import polars

    serve(lambda: polars.read_csv(path),
          lambda frame: {"rows": frame.height, "columns": frame.width, "sums": [float(x) for x in frame.sum().row(0)]})
else:
    import pandas

    serve(lambda: pandas.read_csv(path),
          lambda frame: {"rows": len(frame), "columns": frame.shape[1], "sums": [float(x) for x in frame.sum()]})
