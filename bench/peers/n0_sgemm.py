"""Row N0: n0_sgemm.py torch|numpy M K N TIMES; numpy multiplies by the OpenBLAS in its wheel."""
import os
import sys

import numpy
from serve import serve

library = sys.argv[1]
m, k, n, times = map(int, sys.argv[2:])
draw = numpy.random.default_rng(0)
a, b = draw.random((m, k), numpy.float32), draw.random((k, n), numpy.float32)
if library == "torch":
    import torch
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.set_grad_enabled(False)
    a, b = torch.from_numpy(a), torch.from_numpy(b)


def work():
    for _ in range(times):
        y = a @ b
    return y


serve(work, lambda y: {"corner": float(y[-1, -1])})
