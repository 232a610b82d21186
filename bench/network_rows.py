"""Rows N0 to N8: networks and what they are made of. Imported by rows.py."""
import gzip
import os
import subprocess

import numpy

from harness import HERE, Disagreement, need, peer

MNIST = os.path.join(HERE, "..", "..", "shared", "data", "mnist")


def libtorch():
    """The C++ peer, compiled once against the headers and libraries inside the torch wheel."""
    def build(path):
        import torch
        root = os.path.dirname(torch.__file__)
        include, libraries = os.path.join(root, "include"), os.path.join(root, "lib")
        subprocess.run(["g++", "-O2", "-std=c++20", "-w", "-I" + include, "-I" + os.path.join(include, "torch/csrc/api/include"),
                        os.path.join(HERE, "peers", "libtorch.cpp"), "-o", path, "-L" + libraries, "-Wl,-rpath," + libraries,
                        "-ltorch", "-ltorch_cpu", "-lc10"], check=True)
    return need("libtorch", build)


def onednn():
    """Debian's oneDNN, called directly."""
    return need("onednn", lambda path: subprocess.run(["g++", "-O2", "-std=c++20", os.path.join(HERE, "peers", "onednn.cpp"), "-o", path,
                                                       "-ldnnl"], check=True))


def mnist(kind, part):
    """Raw f32 pictures in [0, 1], or u8 labels, of `train` or `t10k`."""
    name = f"{part}-{'images-idx3' if kind == 'pictures' else 'labels-idx1'}-ubyte.gz"
    source = os.path.join(os.environ.get("CAIRN_DATA", os.path.dirname(MNIST)), "mnist", name)
    if not os.path.exists(source):
        raise FileNotFoundError(f"{source}: this row needs MNIST; set CAIRN_DATA to the folder that holds mnist/")

    def write(path):
        with gzip.open(source) as file:
            raw = numpy.frombuffer(file.read(), numpy.uint8)
        if kind == "pictures":
            (raw[16:].astype(numpy.float32) / 255).tofile(path)
        else:
            raw[8:].tofile(path)
    return need(f"mnist_{part}_{kind}", write)


class Product:
    floor, goal = 0.95, 1.0
    shape, times = (64, 64, 64), 1

    def __init__(self):
        self.arguments = [str(v) for v in (*self.shape, self.times)]

    def cairn(self, programs):
        return [os.path.join(programs, "bench_n0_sgemm"), *self.arguments]

    def peers(self):
        return {"torch": peer("n0_sgemm.py", "torch", *self.arguments), "numpy's OpenBLAS": peer("n0_sgemm.py", "numpy", *self.arguments),
                "oneDNN": [onednn(), *self.arguments]}

    def judge(self, answer):
        if not numpy.isfinite(answer["corner"]):
            raise Disagreement(f"a corner is {answer['corner']}")
        reached = 2 * numpy.prod(self.shape) * self.times / answer["seconds"] / 1e9
        peak = answer.get("peak_gflops", 0)  # measured after the work; the peers' programs do not
        return f"{reached:.0f} GFLOP/s" + (f", {reached / peak:.0%} of {peak:.0f}, the peak" if peak else "")


def product(m, k, n, times):
    name = f"N0.{m}" if m == k == n else f"N0.{m}x{k}x{n}"
    return type("Product", (Product,), {"name": name, "work": f"{times:,} products {m} x {k} x {n}, f32",
                                        "shape": (m, k, n), "times": times})


class SmallAdd:
    size, kind, times = 8, "plain", 100_000
    floor, goal = 1.5, 3.0  # against C++; Python's own is shown by its ratio

    def cairn(self, programs):
        return [os.path.join(programs, "bench_n1_small_ops"), str(self.size), self.kind, str(self.times)]

    def peers(self):
        arguments = [str(self.size), self.kind, str(self.times)]
        return {"libtorch C++": [libtorch(), "add", *arguments], "torch Python": peer("n1_small_ops.py", *arguments)}

    def judge(self, answer):
        if answer["corner"] != 3:
            raise Disagreement(f"1 + 2 = {answer['corner']}")
        return f"{answer['seconds'] / self.times * 1e6:.2f} us each"


def small_add(size, kind):
    tape = "with" if kind == "tape" else "without"
    return type("SmallAdd", (SmallAdd,), {"name": f"N1.{size}.{kind}", "size": size, "kind": kind,
                                          "work": f"100,000 adds of two {size} x {size}, {tape} a tape"})


class Network:
    """Training steps that go on from call to call, or predictions."""
    mode, batch, times, warm, least_accuracy = "train", 64, 2000, 2, 0.0
    quantity = "seconds"
    ways = ("eager", "compile")

    def __init__(self):
        self.files = ["-"] * 4
        if self.least_accuracy:
            self.files = [mnist(kind, part) for part in ("train", "t10k") for kind in ("pictures", "labels")]

    def arguments(self):
        return [self.net, self.mode, str(self.batch), str(self.times), *self.files]

    def cairn(self, programs):
        return [os.path.join(programs, "bench_n2_networks"), *self.arguments()]

    def peers(self):
        found = {"torch " + way: peer("networks.py", way, *self.arguments()) for way in self.ways}
        if self.net in ("n2", "n3"):
            found["libtorch C++"] = [libtorch(), self.net, str(self.times)]
        return found

    def judge(self, answer):
        seen = self.batch * self.times / answer["seconds"]
        if self.mode == "infer":
            return f"{seen:,.0f} a second"
        if not numpy.isfinite(answer["loss"]):
            raise Disagreement(f"the loss is {answer['loss']}")
        if answer.get("accuracy", 1) < self.least_accuracy:
            raise Disagreement(f"accuracy {answer['accuracy']:.4f} after as many epochs, {self.least_accuracy} is asked for")
        reached = f", test accuracy {answer['accuracy']:.4f}" if "accuracy" in answer else ""
        return f"{seen:,.0f} examples a second{reached}"


class Step2(Network):
    name, work, net = "N2", "2,000 steps of 2-25-15-1, batch 64, Adam", "n2"
    floor, goal = 4.0, 12.0


class Step3(Network):
    name, work, net = "N3", "2,000 steps of 8-64-64-4, batch 64, Adam", "n3"
    floor, goal = 3.0, 8.0


class Mlp(Network):
    name, work, net = "N4", "an epoch of 784-512-256-10 on MNIST, batch 128, Adam; judged after 12 epochs", "n4"
    floor, goal, batch, times, warm, least_accuracy = 1.2, 1.8, 128, 468, 12, 0.98


class SmallCnn(Network):
    name, work, net = "N5", "40 steps of conv32-conv64-pool-128-10 on MNIST, batch 128, Adam; judged after 4 epochs", "n5"
    floor, goal, batch, times, warm, least_accuracy = 1.4, 2.0, 128, 40, 70, 0.99
    ways = ("eager,channels_last", "compile,channels_last")


class ResNet20(Network):
    name, work, net = "N6", "4 steps of ResNet-20, 32 x 32 x 3, batch 128, SGD with momentum", "n6"
    floor, goal, batch, times = 1.3, 2.0, 128, 4
    ways = ("eager,channels_last", "compile,channels_last")


def inference(net, batch, times, bounds):
    ways = ("eager", "compile") if net == "n4" else ("eager,channels_last", "compile,channels_last")
    return type("Inference", (Network,), {"name": f"N7.{net}.{batch}", "work": f"{times:,} predictions of {net.upper()}'s net, batch {batch}",
                                          "net": net, "mode": "infer", "batch": batch, "times": times, "ways": ways,
                                          "floor": bounds[0], "goal": bounds[1]})


def memory(row):
    """Peak resident memory less what was resident before the first step; 0.7 and 0.4 of the peer's are floor and goal."""
    return type("Memory", (row,), {"name": f"N8.{row.net}", "work": f"memory of {row.name}'s training", "floor": 1.43, "goal": 2.5,
                                   "quantity": "step_memory_bytes", "least_accuracy": 0.0, "warm": 2, "times": 4})


NETWORK_ROWS = (product(64, 64, 64, 20_000), product(256, 256, 256, 1000), product(1024, 1024, 1024, 20),
                product(4096, 1024, 4096, 2), product(32, 640, 2048, 400),
                *(small_add(size, kind) for size in (64, 8) for kind in ("plain", "tape")),
                Step2, Step3, Mlp, SmallCnn, ResNet20,
                *(inference(net, batch, times, (1.3, 2.0) if batch > 1 else (3.0, 6.0))
                  for net, batch, times in (("n4", 256, 50), ("n4", 1, 2000), ("n5", 256, 2), ("n5", 1, 100), ("n6", 256, 2), ("n6", 1, 50))),
                memory(SmallCnn), memory(ResNet20))
