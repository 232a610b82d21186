"""Convolutions of row N0: n0_conv2d.py forward|data|weight IMAGES SIZE CHANNELS FILTERS KERNEL STRIDE TIMES"""
import os
import sys

import torch
from serve import serve

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
kind = sys.argv[1]
n, h, c, o, f, stride, times = map(int, sys.argv[2:])
last = torch.channels_last
x, w = torch.rand(n, c, h, h).to(memory_format=last), torch.rand(o, c, f, f).to(memory_format=last)
g = torch.nn.functional.conv2d(x, w, stride=stride, padding=f // 2)
mask = [kind == "data", kind == "weight", False]


@torch.no_grad()
def work():
    for _ in range(times):
        if kind == "forward":
            y = torch.nn.functional.conv2d(x, w, stride=stride, padding=f // 2)
        else:
            y = torch.ops.aten.convolution_backward(g, x, w, None, [stride] * 2, [f // 2] * 2, [1, 1], False, [0, 0], 1, mask)
    return y


serve(work, lambda y: {})
