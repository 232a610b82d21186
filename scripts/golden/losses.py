#!/usr/bin/env python3
"""Values and gradients of torch's losses, in f64.   scripts/golden/losses.py > tests/golden/losses.json

Focal and hinge loss, which torch has not, are written out in its operations. Each case holds its inputs, the loss and the
gradients of its inputs that have one, of the loss itself or, without a reduction, of the losses' sum under the weights 1, 2, 3, ...
"""
import json

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
REDUCTIONS = ("mean", "sum", "none")


def wave(*shape, scale=1.0, shift=0.0, step=1.7):
    n = 1
    for s in shape:
        n *= s
    return (scale * torch.sin(step * torch.arange(n, dtype=torch.float64) + 0.3) + shift).reshape(shape)


def positive(*shape, step=1.1):
    return wave(*shape, scale=0.4, shift=0.5, step=step)


def reduced(each, reduction):
    return each.mean() if reduction == "mean" else each.sum() if reduction == "sum" else each


cases = {}


def record(name, loss, inputs, learn, f):
    """`learn`: the inputs whose gradients are recorded; f(inputs, reduction)."""
    for reduction in REDUCTIONS:
        given = {k: v.clone().requires_grad_(k in learn) for k, v in inputs.items()}
        value = f(given, reduction)
        weights = torch.arange(1, value.numel() + 1, dtype=torch.float64).reshape(value.shape)
        grads = torch.autograd.grad((value * weights).sum(), [given[k] for k in learn])
        cases[f"{name} {reduction}"] = {
            "loss": loss, "reduction": reduction,
            "inputs": {k: {"shape": list(v.shape), "values": v.reshape(-1).tolist()} for k, v in inputs.items()},
            "value": value.detach().reshape(-1).tolist(),
            "gradients": {k: g.reshape(-1).tolist() for k, g in zip(learn, grads)}}


pair = {"x": wave(3, 4, scale=2.0), "t": wave(3, 4, step=0.9)}
record("mse", "mse", pair, ("x", "t"), lambda i, r: F.mse_loss(i["x"], i["t"], reduction=r))
record("mae", "mae", pair, ("x", "t"), lambda i, r: F.l1_loss(i["x"], i["t"], reduction=r))
record("huber", "huber", pair, ("x", "t"), lambda i, r: F.huber_loss(i["x"], i["t"], delta=0.7, reduction=r))

# torch gives no gradient for the targets of these.
record("bce", "bce", {"p": positive(3, 4), "t": positive(3, 4, step=0.7)}, ("p",),
       lambda i, r: F.binary_cross_entropy(i["p"], i["t"], reduction=r))
logits = {"x": wave(3, 4, scale=3.0), "t": positive(3, 4, step=0.7)}
record("bce_with_logits", "bce_with_logits", logits, ("x",),
       lambda i, r: F.binary_cross_entropy_with_logits(i["x"], i["t"], reduction=r))
large = {"x": torch.tensor([800.0, -800.0, 40.0]), "t": torch.tensor([0.0, 1.0, 1.0])}
record("bce_with_logits large", "bce_with_logits", large, ("x",),
       lambda i, r: F.binary_cross_entropy_with_logits(i["x"], i["t"], reduction=r))
record("bce_with_logits weights", "weighted_bce_with_logits",
       {**logits, "weight": positive(3, 1), "pos_weight": wave(4, shift=2.0)}, ("x",),
       lambda i, r: F.binary_cross_entropy_with_logits(i["x"], i["t"], weight=i["weight"], pos_weight=i["pos_weight"], reduction=r))
hard = {"x": wave(3, 4, scale=3.0), "t": (wave(3, 4, step=0.9) > 0).double()}


def focal(i, r):
    p = torch.sigmoid(i["x"])
    own = p * i["t"] + (1 - p) * (1 - i["t"])
    alpha = 0.25 * i["t"] + 0.75 * (1 - i["t"])
    return reduced(alpha * (1 - own) ** 2 * F.binary_cross_entropy_with_logits(i["x"], i["t"], reduction="none"), r)


record("focal", "focal", hard, ("x",), focal)
record("hinge", "hinge", {"x": wave(3, 4, scale=2.0), "t": torch.sign(wave(3, 4, step=0.9))}, ("x",),
       lambda i, r: reduced(torch.clamp(1 - i["t"] * i["x"], min=0), r))

scores, weight = wave(6, 4, scale=2.0), wave(4, shift=1.5, step=0.8)
classes, ignored = torch.tensor([2, 0, 3, 1, 1, 2]).double(), torch.tensor([2, -100, 3, 1, -100, 2]).double()
soft = torch.softmax(wave(6, 4, step=0.6), dim=1)
hard_targets = lambda i: i["t"].long()


def cross(name, loss, inputs, **options):
    record(name, loss, inputs, ("x",), lambda i, r: F.cross_entropy(i["x"], hard_targets(i), i.get("weight"), reduction=r, **options))


cross("cross_entropy", "cross_entropy", {"x": scores, "t": classes})
cross("cross_entropy ignore", "cross_entropy", {"x": scores, "t": ignored})
cross("cross_entropy smoothing", "cross_entropy", {"x": scores, "t": classes}, label_smoothing=0.1)
cross("cross_entropy smoothing ignore", "cross_entropy", {"x": scores, "t": ignored}, label_smoothing=0.1)
cross("cross_entropy weights", "weighted_cross_entropy", {"x": scores, "t": classes, "weight": weight})
cross("cross_entropy weights smoothing ignore", "weighted_cross_entropy", {"x": scores, "t": ignored, "weight": weight},
      label_smoothing=0.1)
record("cross_entropy soft", "soft_cross_entropy", {"x": scores, "q": soft}, ("x", "q"),
       lambda i, r: F.cross_entropy(i["x"], i["q"], reduction=r))
record("cross_entropy soft weights smoothing", "soft_cross_entropy", {"x": scores, "q": soft, "weight": weight}, ("x", "q"),
       lambda i, r: F.cross_entropy(i["x"], i["q"], i["weight"], reduction=r, label_smoothing=0.1))
logs = torch.log_softmax(scores, dim=1)
record("nll", "nll", {"x": logs, "t": classes}, ("x",), lambda i, r: F.nll_loss(i["x"], hard_targets(i), reduction=r))
record("nll weights ignore", "nll", {"x": logs, "t": ignored, "weight": weight}, ("x",),
       lambda i, r: F.nll_loss(i["x"], hard_targets(i), i["weight"], reduction=r))
# Ours is a loss a row, so its mean is torch's "batchmean".
record("kl_divergence", "kl_divergence", {"x": logs, "t": soft}, ("x", "t"),
       lambda i, r: F.kl_div(i["x"], i["t"], reduction="none").sum(1) if r == "none" else
       F.kl_div(i["x"], i["t"], reduction="batchmean" if r == "mean" else "sum"))

vectors = {"a": wave(5, 3), "b": wave(5, 3, step=0.8), "c": wave(5, 3, step=0.5)}
both = {k: vectors[k] for k in "ab"}
record("cosine", "cosine_similarity_loss", both, ("a", "b"),
       lambda i, r: reduced(1 - F.cosine_similarity(i["a"], i["b"], dim=1), r))
record("triplet", "triplet", vectors, ("a", "b", "c"),
       lambda i, r: F.triplet_margin_loss(i["a"], i["b"], i["c"], margin=0.5, eps=0, reduction=r))
record("triplet squared", "triplet", vectors, ("a", "b", "c"),
       lambda i, r: F.triplet_margin_with_distance_loss(i["a"], i["b"], i["c"], margin=0.5, reduction=r,
                                                        distance_function=lambda x, y: ((x - y) ** 2).sum(1)))
print(json.dumps({"torch": torch.__version__, "cases": cases}))
