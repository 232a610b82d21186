"""Row N1: n1_small_ops.py N plain|tape TIMES"""
import os
import sys

import torch
from serve import serve

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
n, times = int(sys.argv[1]), int(sys.argv[3])
a, b = torch.full((n, n), 1.0, requires_grad=sys.argv[2] == "tape"), torch.full((n, n), 2.0)


def work():
    for _ in range(times):
        y = a + b
    return y


serve(work, lambda y: {"corner": float(y[-1, -1])})
