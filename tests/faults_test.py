#!/usr/bin/env python3
"""Runs on a disk that becomes full, or read-only, at one change after another (tests/faults/full_disk.cpp).

  tests/faults_test.py CAIRN FULL_DISK.so

Wherever it happens: the program tells which file and why, with the exit code of a resource or of a file; what lies under its final
name is whole; no temporary file is left; and --resume, on a disk with room, ends in the bytes of an undisturbed run.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from checks import ROOT, Checks  # noqa: E402

PENGUINS = os.path.join(ROOT, "data", "penguins.csv")
TRAIN = ["train", PENGUINS, "--target", "species", "--seed", "1", "--threads", "1", "--quiet"]
KINDS = {"ENOSPC": ("No space left on device", 5), "EROFS": ("Read-only file system", 3)}
TEMPORARY = re.compile(r"\.[A-Za-z0-9]{6}$|\.part$")
# What a run is made of, and how many of its changes are tried: all, or some that are spread over them.
RUNS = {
    "one learner": (TRAIN + ["--learner", "logistic_regression", "--out", "run"], None),
    "auto": (TRAIN + ["--out", "run", "--time-limit", "none"], 10),
    "a network with event files": (TRAIN + ["--learner", "mlp", "--set", "epochs=5", "--tensorboard", "--out", "run"], 10),
    "a search": (["tune"] + TRAIN[1:] + ["--learner", "decision_tree", "--trials", "3", "--out", "run"], 10),
}


class Place:
    """A folder of its own, and the program within it."""

    def __init__(self, cairn, library, folder):
        self.cairn, self.library, self.folder = cairn, library, folder
        self.count_file = os.path.join(os.path.dirname(folder), "count")

    def run(self, arguments, **faults):
        environment = {**os.environ, "LD_PRELOAD": self.library, "FULL_DISK_COUNT": self.count_file,
                       **{f"FULL_DISK_{name.upper()}": str(value) for name, value in faults.items()}}
        return subprocess.run([self.cairn, *arguments], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=environment, check=False)

    def changes(self):
        with open(self.count_file, encoding="utf-8") as file:
            return int(file.read())

    def clear(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)

    def files(self):
        return [os.path.relpath(os.path.join(at, name), self.folder) for at, _, names in os.walk(self.folder) for name in names]

    def bytes_of(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()


def problems_of(place, result, kind, model, name):
    reason, code = KINDS[kind]
    found = []
    if result.returncode != code or reason not in result.stderr or "run" not in result.stderr:
        found.append(f"exit code {result.returncode}, {code} is right; it says: {result.stderr.strip()[-300:]}")
    for path in place.files():
        if TEMPORARY.search(path):
            found.append(f"left behind: {path}")
        if path == os.path.join("run", "result.json") and not os.path.exists(os.path.join(place.folder, "run", "model.cairn")):
            found.append("a result without its model")
        if path == os.path.join("run", "model.cairn") and place.bytes_of(path) != model:
            found.append("a model that is not that of the run")
        if path.endswith(".json"):
            try:
                json.loads(place.bytes_of(path))
            except ValueError as error:
                found.append(f"{path} is no JSON: {error}")
    return [f"{name}, {kind}: {problem}" for problem in found]


def sweep(place, verb, arguments, tried, model, total):
    """The problems of one run whose disk fails at its changes, one after another."""
    found = []
    numbers = range(total) if tried is None else sorted({round(i * (total - 1) / (tried - 1)) for i in range(tried)})
    for number in numbers:
        for kind in KINDS if number % 5 == 0 else ["ENOSPC"]:
            place.clear()
            result = place.run(arguments, folder=place.folder, after=number, error=kind)
            name = f"change {number} of {total}"
            found += problems_of(place, result, kind, model, name)
            done = os.path.exists(os.path.join(place.folder, "run", "result.json"))  # only the last line of the log is missing
            if os.path.exists(os.path.join(place.folder, "run", "config.json")) and not done:
                again = place.run([verb, "--resume", "run", "--quiet"])
                if again.returncode != 0:
                    found.append(f"{name}, {kind}: --resume ends with {again.returncode}: {again.stderr.strip()[-300:]}")
                elif place.bytes_of(os.path.join("run", "model.cairn")) != model:
                    found.append(f"{name}, {kind}: --resume ends in other bytes")
    return found


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), os.path.join(os.path.realpath(folder), "work"))
        for name, (arguments, tried) in RUNS.items():
            place.clear()
            whole = place.run(arguments, folder=place.folder)
            if whole.returncode != 0:
                checks.check(name, whole.stderr)
                continue
            model, total = place.bytes_of(os.path.join("run", "model.cairn")), place.changes()
            checks.check(f"{name}: many changes of files are seen", [] if total >= 20 else f"{total} changes")
            found = sweep(place, arguments[0], arguments, tried, model, total)
            checks.check(f"{name}: a disk that is full or read-only from any change on loses nothing", found[:10])

        place.clear()
        place.run(RUNS["one learner"][0])
        predict = ["predict", "run", PENGUINS, "--out", "run/predictions.csv"]
        place.run(predict, folder=place.folder)
        found, total = [], place.changes()
        os.remove(os.path.join(place.folder, "run", "predictions.csv"))
        for number in range(total):
            result = place.run(predict, folder=place.folder, after=number)
            if result.returncode != 5 or "predictions.csv" not in result.stderr:
                found.append(f"change {number}: exit code {result.returncode}: {result.stderr[-300:]}")
            found += [f"change {number}: there is {path}" for path in place.files() if "predictions" in path]
        checks.check("predict: no part of a file of predictions", found if total >= 2 else f"{total} changes")
    checks.finish()


if __name__ == "__main__":
    main()
