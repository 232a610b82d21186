"""Row N0: n0_sgemm.py M K N TIMES"""
import os
import sys

import torch
from serve import serve

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
m, k, n, times = map(int, sys.argv[1:])
a, b = torch.rand(m, k), torch.rand(k, n)


@torch.inference_mode()
def work():
    for _ in range(times):
        y = a @ b
    return y


serve(work, lambda y: {"corner": float(y[-1, -1])})
