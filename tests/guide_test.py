#!/usr/bin/env python3
"""Runs every command that docs/guide shows, page after page in one folder.   tests/guide_test.py PROGRAM"""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from checks import ROOT, Checks  # noqa: E402

# What the pages call the public tables, and where they stand under $CAIRN_DATA or ../shared/data.
TABLES = {"adult-train.csv.gz": "adult", "adult-test.csv.gz": "adult", "housing.csv": "california_housing", "sms.tsv": "sms_spam",
          "mnist": "", "digits5000-images-idx3-ubyte.gz": "course_ml", "digits5000-labels-idx1-ubyte.gz": "course_ml",
          "rt-polarity.pos": "rt_polarity", "rt-polarity.neg": "rt_polarity", "train_catvnoncat.h5": "course_dl", "test_catvnoncat.h5": "course_dl",
          "airline-passengers.csv": "timeseries"}


def pages():
    folder = os.path.join(ROOT, "docs", "guide")
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            commands = [line for block in re.findall(r"```sh\n(.*?)```", file.read(), re.DOTALL) for line in block.splitlines()]
        yield name, [command for command in commands if command.startswith(("cairn ", "printf "))]


def runs_read(command):
    """The run folders that a command reads; what follows --out it writes."""
    return re.findall(r"runs/[\w-]+", re.sub(r"--out \S+", "", command))


def main():
    program = os.path.abspath(sys.argv[1])
    shared = os.environ.get("CAIRN_DATA", os.path.join(ROOT, "..", "shared", "data"))
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "bin"))
        os.symlink(program, os.path.join(folder, "bin", "cairn"))
        os.symlink(os.path.join(ROOT, "data", "penguins.csv"), os.path.join(folder, "penguins.csv"))
        for name, source in TABLES.items():
            if os.path.exists(os.path.join(shared, source, name)):
                os.symlink(os.path.abspath(os.path.join(shared, source, name)), os.path.join(folder, name))
        environment = {**os.environ, "PATH": os.path.join(folder, "bin") + ":" + os.environ["PATH"]}
        for page, commands in pages():
            for command in commands:
                absent = [name for name in TABLES if name in command and not os.path.exists(os.path.join(folder, name))]
                # Where the public tables are not there, neither is what was trained from them; else a missing run is a mistake.
                absent += [run for run in runs_read(command)
                           if not os.path.exists(os.path.join(folder, run)) and not os.path.isdir(os.path.join(shared, "adult"))]
                if absent:
                    checks.skip(f"guide: {page}: {command}", f"{absent[0]} is not there")
                    continue
                done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, check=False)
                checks.check(f"guide: {page}: {command}", done.stdout[-2000:] or "said nothing" if done.returncode else [])
    checks.finish()


if __name__ == "__main__":
    main()
