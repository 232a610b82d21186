#!/usr/bin/env python3
"""Which files took longest to compile, from ninja's log of the last build.   scripts/slow_files.py [BUILD_FOLDER] [--top N]

Wall-clock seconds: on a busy machine they say more about the machine. A file over the budget (10 s) is worth splitting.
"""
import argparse
import os
import sys

BUDGET = 10.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", default="build/release")
    parser.add_argument("--top", type=int, default=20)
    arguments = parser.parse_args()
    log = os.path.join(arguments.build, ".ninja_log")
    if not os.path.exists(log):
        sys.exit(f"{log} is not there; build first: cmake --preset release && cmake --build --preset release")
    seconds = {}
    with open(log, encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#"):
                begin, end, _, output, _ = line.rstrip("\n").split("\t")
                if output.endswith(".o"):
                    seconds[output] = (int(end) - int(begin)) / 1000
    for output, taken in sorted(seconds.items(), key=lambda item: -item[1])[:arguments.top]:
        name = output.split(".dir/", 1)[-1][:-2]
        print(f"{taken:7.1f} s {'*' if taken > BUDGET else ' '} {name}")
    over = sum(taken > BUDGET for taken in seconds.values())
    print(f"{len(seconds)} files, {sum(seconds.values()):.0f} s in all, {over} over {BUDGET:.0f} s")


if __name__ == "__main__":
    main()
