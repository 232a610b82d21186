#!/usr/bin/env python3
"""Every public header compiles alone, within its budget of time. A header that a source includes first is compiled alone
whenever that source is, so only the others are looked at; and a header costs at least what it includes, so only those that no
public header includes are timed.

  tests/headers_test.py [--report]      --report prints every header's cost and checks nothing
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from checks import ROOT, Checks  # noqa: E402

BUDGET = 0.6  # seconds of processor time to parse a header alone
NOISE = 3.0   # a shared machine is up to this much slower than a quiet one
FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wshadow", "-Wno-missing-field-initializers", "-Werror",
         "-x", "c++", f"-I{ROOT}"]


def public_headers():
    return sorted(os.path.relpath(os.path.join(folder, name), ROOT)
                  for folder, _, names in os.walk(os.path.join(ROOT, "cairn")) for name in names
                  if name.endswith(".h") and not name.endswith("_internal.h"))


def includes_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return re.findall(r'^#include ["<]([^">]+)[">]', file.read(), re.MULTILINE)


def first_includes():
    """Headers that are the first thing a source of cairn/ includes."""
    sources = [os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(ROOT, "cairn")) for name in names
               if name.endswith(".cpp")]
    return {include for source in sources for include in includes_of(source)[:1]}


def compile_alone(compiler, header):
    """(what the compiler said, seconds of processor time)."""
    command = ["bash", "-c", 'TIMEFORMAT="seconds %U %S"; time "$@"', "time", compiler, *FLAGS, "-"]
    result = subprocess.run(command, input=f'#include "{header}"\n', stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, check=False)
    said, _, times = result.stderr.rpartition("seconds ")
    user, system = times.split()
    return (said.strip() or "failed") if result.returncode else "", float(user) + float(system)


def main():
    compilers = [compiler for compiler in ("g++", "clang++-19") if shutil.which(compiler)]
    headers = public_headers()
    alone, timed = headers, headers
    if "--report" not in sys.argv:
        first, included = first_includes(), {include for header in headers for include in includes_of(header)}
        alone = [header for header in headers if header not in first]
        timed = [header for header in headers if header not in included]
    wanted = {compiler: sorted({*alone, *timed}) if compiler == "g++" else alone for compiler in compilers}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = {compiler: list(pool.map(lambda header, c=compiler: compile_alone(c, header), wanted[compiler]))
                   for compiler in compilers}
    if "--report" in sys.argv:
        for compiler in compilers:
            for (_, seconds), header in sorted(zip(results[compiler], wanted[compiler]), reverse=True):
                print(f"{seconds:6.2f} s  {compiler:12} {header}")
        return
    checks = Checks()
    for compiler in compilers:
        checks.check(f"headers: each compiles alone with {compiler}",
                     [f"{header}: {said}" for (said, _), header in zip(results[compiler], wanted[compiler]) if said])
    slow = []
    for (_, seconds), header in zip(results[compilers[0]], wanted[compilers[0]]):
        if header in timed and seconds > BUDGET * NOISE:
            # Once more without a neighbour on the core: the least of a few is the header's own.
            seconds = min(seconds, *(compile_alone(compilers[0], header)[1] for _ in range(3)))
            if seconds > BUDGET * NOISE:
                slow.append(f"{header}: {seconds:.2f} s with {compilers[0]}")
    checks.check(f"headers: each parses in {BUDGET} s", slow)
    checks.finish()


if __name__ == "__main__":
    main()
