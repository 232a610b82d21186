#!/usr/bin/env python3
"""What the program may cost: its size, its start, tables of very many columns, and the memory of training on many rows.
Seconds are those of the processor, so that a busy machine does not fail the test.

    budgets_test.py PROGRAM
"""
import json
import os
import random
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from checks import Checks  # noqa: E402

LARGEST_PROGRAM = 20_000_000  # bytes
LONGEST_START = 0.010
# A machine on which Python itself starts more slowly than this may take more of both.
PYTHON_START = 0.006
DESCRIBE_SECONDS, TRAIN_SECONDS = 4.0, 25.0  # at most, for the wide table
# Four times the columns: a linear way takes about four times as long, a quadratic one sixteen times.
NARROW, WIDE, MOST_GROWTH = 25_000, 100_000, 8.0


# Training needs at most twice the data's memory; the program, its libraries come on top.
ROWS, COLUMNS, PROGRAM_MEMORY = 150_000, 28, 24_000_000


def seconds_of(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])} ended with {done.returncode}: {done.stdout[-500:]}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def start_problems(program):
    starts, pythons = [], []
    for _ in range(30):
        starts.append(seconds_of([program, "--version"]))
        pythons.append(seconds_of([sys.executable, "-I", "-S", "-c", "pass"]))
    start, python = min(starts), min(pythons)
    most = LONGEST_START * max(1, python / PYTHON_START)
    return f"{start * 1000:.1f} ms, and Python's start takes {python * 1000:.1f}; at most {most * 1000:.1f}" if start >= most else ""


def write_wide(path, columns, rows=20):
    """Numbers that differ from cell to cell, from a linear congruence: no two columns are alike."""
    state = 1
    with open(path, "w", encoding="ascii") as file:
        file.write(",".join([f"x{i}" for i in range(columns)] + ["y"]) + "\n")
        for _ in range(rows):
            cells = []
            for _ in range(columns + 1):
                state = (state * 1103515245 + 12345) % 2147483648
                cells.append(f"{state / 1e9:.4f}")
            file.write(",".join(cells) + "\n")


def write_long(path):
    draw = random.Random(0)
    with open(path, "w", encoding="ascii") as file:
        file.write(",".join([f"x{i}" for i in range(COLUMNS)] + ["y"]) + "\n")
        for _ in range(ROWS):
            cells = [draw.random() for _ in range(COLUMNS)]
            file.write(",".join(f"{cell:.4f}" for cell in cells) + f",{int(cells[0] + cells[1] > draw.random() + 0.5)}\n")


def memory_problems(program, path, out, learner):
    seconds_of([program, "train", path, "--target", "y", "--learner", learner, "--no-doctor", "--out", out, "--overwrite", "--quiet"])
    with open(os.path.join(out, "result.json"), encoding="utf-8") as file:
        peak = json.load(file)["peak_memory_bytes"]
    data = ROWS * (COLUMNS + 1) * 8
    most = 2 * data + PROGRAM_MEMORY
    return f"a peak of {peak / 1e6:.0f} MB for {data / 1e6:.0f} MB of data; at most {most / 1e6:.0f}" if peak > most else ""


def wide_problems(command, narrow, wide, most):
    small, large = seconds_of(command(narrow)), seconds_of(command(wide))
    problems = []
    if large > most:
        problems.append(f"{WIDE} columns take {large:.2f} s of the processor; at most {most}")
    if large > MOST_GROWTH * max(small, 0.05):
        problems.append(f"{NARROW} columns take {small:.2f} s and {WIDE} take {large:.2f} s: more than linear")
    return problems


def main():
    program = sys.argv[1]
    checks = Checks()
    size = os.path.getsize(program)
    checks.check("the program is under 20 MB", f"{size} bytes" if size >= LARGEST_PROGRAM else "")
    checks.check("cairn --version takes under 10 ms", start_problems(program))
    with tempfile.TemporaryDirectory() as folder:
        narrow, wide = os.path.join(folder, "narrow.csv"), os.path.join(folder, "wide.csv")
        write_wide(narrow, NARROW)
        write_wide(wide, WIDE)
        out = os.path.join(folder, "run")
        checks.check("describe of 100,000 columns", wide_problems(lambda path: [program, "describe", path], narrow, wide, DESCRIBE_SECONDS))
        checks.check("train on 100,000 columns", wide_problems(
            lambda path: [program, "train", path, "--target", "y", "--learner", "ridge", "--no-doctor", "--out", out,
                          "--overwrite", "--quiet"], narrow, wide, TRAIN_SECONDS))
        long = os.path.join(folder, "long.csv")
        write_long(long)
        for learner in ("logistic_regression", "gradient_boosting"):
            checks.check(f"{learner} takes at most twice the data's memory", memory_problems(program, long, out, learner))
    checks.finish()


if __name__ == "__main__":
    main()
