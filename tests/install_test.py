#!/usr/bin/env python3
"""Installs a build into an empty folder, then builds and runs a small outside project against it.

  tests/install_test.py BUILD_FOLDER
"""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from checks import ROOT, Checks  # noqa: E402


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)


def output_of(result):
    return result.stdout[-3000:] if result.returncode else []


BUDGET = 2.0  # seconds of processor time that a program which trains a network may take to compile
NOISE = 3.0   # a shared machine is up to this much slower than a quiet one


def compile_problems(prefix):
    """Of tests/install/network.cpp, as a person compiles it: optimised, without a precompiled header or a cache."""
    command = ["bash", "-c", 'TIMEFORMAT="seconds %U %S"; time "$@"', "time", "g++", "-std=c++20", "-O2", f"-I{prefix}/include",
               "-c", os.path.join(ROOT, "tests", "install", "network.cpp"), "-o", "/dev/null"]
    best = None
    for _ in range(3):  # the least of three: a neighbour's work only adds
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        said, _, times = result.stderr.rpartition("seconds ")
        if result.returncode:
            return said[-3000:]
        seconds = sum(map(float, times.split()))
        best = seconds if best is None else min(best, seconds)
        if best <= BUDGET:
            break
    print(f"a program that trains a network compiles in {best:.2f} s")
    return [f"network.cpp takes {best:.2f} s to compile, at most {BUDGET} s and {NOISE} times that on a busy machine"] \
        if best > BUDGET * NOISE else []


def header_problems(prefix):
    expected = {os.path.relpath(os.path.join(folder, name), ROOT)
                for folder, _, names in os.walk(os.path.join(ROOT, "cairn")) for name in names
                if name.endswith(".h") and not name.endswith("_internal.h")}
    include = os.path.join(prefix, "include")
    found = {os.path.relpath(os.path.join(folder, name), include) for folder, _, names in os.walk(include) for name in names}
    return [f"not installed: {path}" for path in sorted(expected - found)] + \
           [f"installed, but private: {path}" for path in sorted(found - expected)]


def program_problems(prefix):
    program = os.path.join(prefix, "bin", "cairn")
    result = run(program, "--version", cwd="/")
    if result.returncode:
        return result.stdout
    linked = run("ldd", program).stdout
    return [line.strip() for line in linked.splitlines() if "not found" in line]


def main():
    build = os.path.abspath(sys.argv[1])
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        prefix, outside = os.path.join(folder, "prefix"), os.path.join(folder, "outside")
        checks.check("install: into an empty folder", output_of(run("cmake", "--install", build, "--prefix", prefix)))
        checks.check("install: all public headers and no private one", header_problems(prefix))
        if os.path.exists(os.path.join(build, "cairn")):
            checks.check("install: the program starts from its new place", program_problems(prefix))
        configured = run("cmake", "-S", os.path.join(ROOT, "tests", "install"), "-B", outside, "-G", "Ninja",
                         "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_PREFIX_PATH={prefix}")
        checks.check("install: find_package(cairn) from outside", output_of(configured))
        checks.check(f"install: a program that trains a network compiles in {BUDGET:g} s", compile_problems(prefix))
        checks.check("install: the outside project builds", output_of(run("cmake", "--build", outside)))
        for program, table in (("main", "penguins.csv"), ("network", "iris.csv")):
            ran = run(os.path.join(outside, program), os.path.join(ROOT, "data", table), cwd=folder)
            print(ran.stdout)
            checks.check(f"install: the outside program {program} runs", output_of(ran))
    checks.finish()


if __name__ == "__main__":
    main()
