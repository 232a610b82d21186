#!/usr/bin/env python3
"""Trajectories of torch's optimisers and schedules on a small function, in f64.   scripts/golden/optimizers.py > tests/golden/optimizers.json

The function of the parameters p (a matrix [3, 4] and a vector [17]) is sum(0.5 c (p - t)^2 + 0.3 sin(p)); its gradient
c (p - t) + 0.3 cos(p) is what every step is given. start = cos(i), c = 0.5 + 0.1 i, t = sin(2 i) with i the element's number.
"""
import json

import torch

STEPS = 12
torch.set_default_dtype(torch.float64)


def element_numbers(shape):
    n = 1
    for s in shape:
        n *= s
    return torch.arange(n, dtype=torch.float64).reshape(shape)


def run(make, shapes=((3, 4), (17,)), before_step=None, after_step=None):
    numbers = [element_numbers(s) for s in shapes]
    ps = [torch.nn.Parameter(torch.cos(i)) for i in numbers]
    opt = make(ps)
    path = []
    for _ in range(STEPS):
        def closure():
            loss = 0.0
            for p, i in zip(ps, numbers):
                c, t = 0.5 + 0.1 * i, torch.sin(2 * i)
                p.grad = (c * (p - t) + 0.3 * torch.cos(p)).detach().clone()
                loss = loss + (0.5 * c * (p - t) ** 2 + 0.3 * torch.sin(p)).sum()
            return loss.detach()
        closure()
        if before_step:
            before_step(ps)
        if isinstance(opt, torch.optim.LBFGS):
            opt.step(closure)
        else:
            opt.step()
        if after_step:
            after_step(ps)
        path.append([v for p in ps for v in p.detach().reshape(-1).tolist()])
    return path


def rates(make, steps=40):
    """Learning rates of SGD at 0.1; torch's own recursions, so the last digits are its roundings."""
    p = torch.nn.Parameter(torch.zeros(1))
    opt = torch.optim.SGD([p], lr=0.1)
    schedule = make(opt)
    out = []
    for _ in range(steps):
        out.append(opt.param_groups[0]["lr"])
        opt.step()
        schedule.step()
    return out


torch.Tensor.bfloat16 = torch.Tensor.double  # Muon's iteration in the precision of its parameters, as ours
O, S = torch.optim, torch.optim.lr_scheduler
clip_norm = lambda ps: torch.nn.utils.clip_grad_norm_(ps, 1.0)
clip_value = lambda ps: torch.nn.utils.clip_grad_value_(ps, 0.4)
matrix = ((3, 4),)


def l1(ps):
    for p in ps:
        p.grad += 0.05 * torch.sign(p.detach())


result = {
    "torch": torch.__version__,
    "steps": STEPS,
    "paths": {
        "sgd": run(lambda p: O.SGD(p, lr=0.05)),
        "momentum": run(lambda p: O.SGD(p, lr=0.05, momentum=0.9)),
        "nesterov": run(lambda p: O.SGD(p, lr=0.05, momentum=0.9, nesterov=True)),
        "l2": run(lambda p: O.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.1)),
        "l1": run(lambda p: O.SGD(p, lr=0.05), before_step=l1),
        "clip_norm": run(lambda p: O.SGD(p, lr=0.05), before_step=clip_norm),
        "clip_value": run(lambda p: O.SGD(p, lr=0.05), before_step=clip_value),
        "adagrad": run(lambda p: O.Adagrad(p, lr=0.1)),
        "rmsprop": run(lambda p: O.RMSprop(p, lr=0.01, alpha=0.9)),
        "rmsprop_momentum_centered": run(lambda p: O.RMSprop(p, lr=0.01, alpha=0.99, momentum=0.9, centered=True)),
        "adam": run(lambda p: O.Adam(p, lr=0.1)),
        "adam_l2": run(lambda p: O.Adam(p, lr=0.1, weight_decay=0.1)),
        "amsgrad": run(lambda p: O.Adam(p, lr=0.1, amsgrad=True)),
        "adamw": run(lambda p: O.AdamW(p, lr=0.1, weight_decay=0.1)),
        "nadam": run(lambda p: O.NAdam(p, lr=0.1)),
        "adafactor": run(lambda p: O.Adafactor(p, lr=0.1)),
        "adafactor_decay": run(lambda p: O.Adafactor(p, lr=0.1, weight_decay=0.1)),
        "lbfgs": run(lambda p: O.LBFGS(p, lr=0.8, max_iter=1, history_size=4)),
        "muon": run(lambda p: O.Muon(p, lr=0.1, weight_decay=0.1), shapes=matrix),
    },
    "schedules": {
        "step": rates(lambda o: S.StepLR(o, step_size=10, gamma=0.5)),
        "exponential": rates(lambda o: S.ExponentialLR(o, gamma=0.9)),
        "inverse_time": rates(lambda o: S.LambdaLR(o, lambda t: 1 / (1 + 0.2 * t))),
        "inverse_time_every": rates(lambda o: S.LambdaLR(o, lambda t: 1 / (1 + 0.2 * (t // 7)))),
        "constant": rates(lambda o: S.ConstantLR(o, factor=1.0)),
        "linear": rates(lambda o: S.LinearLR(o, start_factor=1.0, end_factor=0.2, total_iters=39)),
        "cosine_last": rates(lambda o: S.CosineAnnealingLR(o, T_max=39, eta_min=0.01)),
        "cosine_warmup": rates(lambda o: S.SequentialLR(
            o, [S.LambdaLR(o, lambda t: (t + 1) / 10), S.CosineAnnealingLR(o, T_max=29)], milestones=[10])),
        "one_cycle_rise": rates(lambda o: S.OneCycleLR(o, max_lr=0.1, total_steps=40, pct_start=0.2)),
        "cosine": rates(lambda o: S.CosineAnnealingLR(o, T_max=39, eta_min=0.0)),
        "one_cycle": rates(lambda o: S.OneCycleLR(o, max_lr=0.1, total_steps=40)),
        "warmup": rates(lambda o: S.LambdaLR(o, lambda t: min(1.0, (t + 1) / 10))),
    },
}


def plateau(values):
    p = torch.nn.Parameter(torch.zeros(1))
    opt = torch.optim.SGD([p], lr=0.1)
    schedule = S.ReduceLROnPlateau(opt, factor=0.5, patience=2, threshold=1e-3, threshold_mode="abs")
    out = []
    for v in values:
        schedule.step(v)
        out.append(opt.param_groups[0]["lr"])
    return out


values = [1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 0.85, 0.7995, 0.7999, 0.8, 0.5]
result["plateau"] = {"values": values, "rates": plateau(values)}


def lion(steps=STEPS):  # torch has none: Chen et al., 2023, algorithm 2, written out
    numbers = [element_numbers(s) for s in ((3, 4), (17,))]
    ps = [torch.cos(i) for i in numbers]
    ms = [torch.zeros_like(p) for p in ps]
    path = []
    for _ in range(steps):
        for k, i in enumerate(numbers):
            g = (0.5 + 0.1 * i) * (ps[k] - torch.sin(2 * i)) + 0.3 * torch.cos(ps[k])
            update = torch.sign(0.9 * ms[k] + 0.1 * g)
            ps[k] = ps[k] - 0.02 * (update + 0.1 * ps[k])
            ms[k] = 0.99 * ms[k] + 0.01 * g
        path.append([v for p in ps for v in p.reshape(-1).tolist()])
    return path


result["paths"]["lion"] = lion()
print(json.dumps(result))
