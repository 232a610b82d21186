"""Networks of rows N2 to N8 in torch: networks.py eager|compile[,channels_last] NET train|infer BATCH TIMES PICTURES|- LABELS|- TEST_PICTURES|- TEST_LABELS|-"""
import os
import resource
import sys

import numpy
import torch
from serve import serve
from torch import nn


def dense(*sizes):
    layers = []
    for i in range(1, len(sizes)):
        layers.append(nn.Linear(sizes[i - 1], sizes[i]))
        if i + 1 < len(sizes):
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


class Block(nn.Module):
    def __init__(self, channels, out):
        super().__init__()
        stride = 2 if channels != out else 1
        self.body = nn.Sequential(nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(),
                                  nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out))
        self.shortcut = nn.Identity() if stride == 1 else nn.Sequential(
            nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        return torch.relu(self.shortcut(x) + self.body(x))


def resnet20():
    blocks, channels = [], 16
    for out in (16, 16, 16, 32, 32, 32, 64, 64, 64):
        blocks.append(Block(channels, out))
        channels = out
    return nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), *blocks,
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def small_cnn():
    return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10))


NETS = {"n2": (lambda: dense(2, 25, 15, 1), (2,), 0), "n3": (lambda: dense(8, 64, 64, 4), (8,), 4),
        "n4": (lambda: dense(784, 512, 256, 10), (784,), 10), "n5": (small_cnn, (1, 28, 28), 10),
        "n6": (resnet20, (3, 32, 32), 10)}

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
torch.manual_seed(1)
how, name, mode, batch, times, *files = sys.argv[1:]
batch, times = int(batch), int(times)
make, sample, classes = NETS[name]
net = make()
if "channels_last" in how:
    net = net.to(memory_format=torch.channels_last)


def examples(n, pictures, labels):
    if pictures == "-":
        x = torch.rand(n, *sample) * 2 - 1
        return x, torch.randint(0, classes, (n,)) if classes else torch.rand(n, 1)
    return (torch.from_numpy(numpy.fromfile(pictures, numpy.float32)).reshape(-1, *sample),
            torch.from_numpy(numpy.fromfile(labels, numpy.uint8)).long())


x, y = examples(batch, files[0], files[1])
forward = torch.compile(net) if "compile" in how else net
if mode == "infer":
    net.eval()
    x = x[:batch]
    if "channels_last" in how:
        x = x.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def predict():
        for _ in range(times):
            out = forward(x)
        return out

    serve(predict, lambda out: {"first": float(out[0, 0])})
else:
    if name == "n6":
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4, fused=True)
    else:
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    loss_of = nn.functional.cross_entropy if classes else nn.functional.mse_loss
    generator = torch.Generator().manual_seed(1)
    tests = None if files[2] == "-" else examples(0, files[2], files[3])
    order, at = torch.randperm(len(y), generator=generator), 0
    with open("/proc/self/statm", encoding="ascii") as file:
        before = int(file.read().split()[1]) * 4096

    def train():
        global order, at
        for _ in range(times):
            if at + batch > len(y):
                order, at = torch.randperm(len(y), generator=generator), 0
            rows = order[at:at + batch]
            at += batch
            inputs = x[rows]
            if "channels_last" in how and inputs.dim() == 4:
                inputs = inputs.contiguous(memory_format=torch.channels_last)
            loss = loss_of(forward(inputs), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return float(loss.detach())

    def tell(loss):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        answer = {"loss": loss, "step_memory_bytes": peak - before}
        if tests:
            net.eval()
            with torch.inference_mode():
                answer["accuracy"] = float((net(tests[0]).argmax(1) == tests[1]).float().mean())
            net.train()
        return answer

    serve(train, tell)
