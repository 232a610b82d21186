#!/usr/bin/env python3
"""The one rule of the house: a file includes its own folder and the public headers of lower floors, nothing else.

Scans every #include under cairn/, apps/ and recipes/ against layers.txt in well under a second, without a compiler.
"""
import os
import re
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from checks import ROOT, Checks  # noqa: E402

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)
SOURCES = (".h", ".cpp", ".inc", ".c", ".cc", ".hpp")


def read_layers(root):
    """folder -> (floor, set of other folders it may include)."""
    layers = {}
    with open(os.path.join(root, "layers.txt"), encoding="utf-8") as file:
        for line in file:
            fields = line.split("#")[0].split()
            if fields:
                layers[fields[0]] = (int(fields[1]), set(fields[2:]))
    return layers


def source_files(root):
    for top in sorted({"cairn"} | {folder.split("/")[0] for folder in read_layers(root)}):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith(SOURCES):
                    yield os.path.relpath(os.path.join(folder, name), root)


def layer_of(path, layers):
    folder = os.path.dirname(path)
    while folder:
        if folder in layers:
            return folder
        folder = os.path.dirname(folder)
    return None


def judge(path, line, quoted, target, layers, root):
    """(problem or None, the folder that is included or None)."""
    own = layer_of(path, layers)
    place = f"{path}:{line}"
    if target.split("/")[0] not in {folder.split("/")[0] for folder in layers}:
        if quoted and not os.path.exists(os.path.join(root, target)):
            return f'{place}: "{target}": name files of the house from its root, such as "{own}/{target}".', None
        return None, None
    if not os.path.exists(os.path.join(root, target)):
        return f"{place}: {target} is not there.", None
    other = layer_of(target, layers)
    if other is None:
        return f"{place}: {target} stands in no folder of layers.txt.", None
    if other == own:
        return None, None
    if target.endswith("_internal.h"):
        return f"{place}: {target} is private to {other}.", other
    floor, allowed = layers[own]
    if layers[other][0] >= floor and other not in allowed:
        return (f"{place}: {own} (floor {floor}) includes {target} (floor {layers[other][0]}); "
                "a file may include its own folder and lower floors."), other
    return None, other


def scan(root):
    """(problems, folder -> folders it includes)."""
    layers = read_layers(root)
    problems, edges = [], {folder: set() for folder in layers}
    for path in source_files(root):
        own = layer_of(path, layers)
        if own is None:
            if path.startswith("cairn/"):
                problems.append(f"{path}: its folder is not in layers.txt.")
            continue
        with open(os.path.join(root, path), encoding="utf-8") as file:
            text = file.read()
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            problem, other = judge(path, line, match.group(1) == '"', match.group(2), layers, root)
            if problem:
                problems.append(problem)
            if other:
                edges[own].add(other)
    for folder, (_, allowed) in layers.items():
        for other in sorted(allowed - edges[folder]):
            problems.append(f"layers.txt: {folder} may include {other}, but nothing there does; take the exception away.")
    return problems, edges


def find_cycle(edges):
    """One cycle of folders as a list, or an empty list."""
    state, path = {}, []

    def visit(folder):
        state[folder] = "open"
        path.append(folder)
        for other in sorted(edges[folder]):
            if state.get(other) == "open":
                return path[path.index(other):] + [other]
            if other not in state:
                cycle = visit(other)
                if cycle:
                    return cycle
        path.pop()
        state[folder] = "done"
        return []

    for folder in sorted(edges):
        if folder not in state:
            cycle = visit(folder)
            if cycle:
                return cycle
    return []


def problems_of_planted(files, layers_text):
    """Scans a small made-up house."""
    with tempfile.TemporaryDirectory() as root:
        with open(os.path.join(root, "layers.txt"), "w", encoding="utf-8") as file:
            file.write(layers_text)
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        problems, edges = scan(root)
        return problems + ([" -> ".join(cycle)] if (cycle := find_cycle(edges)) else [])


def self_test(checks):
    layers = "cairn/base 0\ncairn/data 1\ncairn/side 1\ncairn/top 2\n"
    house = {"cairn/base/a.h": "", "cairn/base/a_internal.h": "", "cairn/data/b.h": '#include "cairn/base/a.h"\n',
             "cairn/side/c.h": "", "cairn/top/d.cpp": '#include "cairn/data/b.h"\n#include <vector>\n'}
    planted = {
        "upward": ({"cairn/base/a.h": '#include "cairn/data/b.h"'}, layers, "includes cairn/data/b.h"),
        "sideways": ({"cairn/data/b.h": '#  include "cairn/side/c.h"'}, layers, "includes cairn/side/c.h"),
        "in angle brackets": ({"cairn/data/b.h": "#include <cairn/side/c.h>"}, layers, "includes cairn/side/c.h"),
        "foreign private header": ({"cairn/top/d.cpp": '#include "cairn/base/a_internal.h"'}, layers, "private to cairn/base"),
        "another tree": ({"cairn/data/b.h": '#include "apps/cli/x.h"', "apps/cli/x.h": ""}, layers + "apps/cli 3\n", "includes apps/cli/x.h"),
        "relative": ({"cairn/top/d.cpp": '#include "e.h"', "cairn/top/e.h": ""}, layers, "from its root"),
        "gone": ({"cairn/top/d.cpp": '#include "cairn/base/gone.h"'}, layers, "is not there"),
        "folder without a floor": ({"cairn/new/f.h": ""}, layers, "not in layers.txt"),
        "exception nobody uses": ({}, layers.replace("side 1", "side 1 cairn/data"), "take the exception away"),
        "cycle by exceptions": ({"cairn/data/b.h": '#include "cairn/side/c.h"', "cairn/side/c.h": '#include "cairn/data/b.h"'},
                                "cairn/base 0\ncairn/data 1 cairn/side\ncairn/side 1 cairn/data\ncairn/top 2\n",
                                "cairn/data -> cairn/side -> cairn/data"),
    }
    checks.check("layers: a good house passes", problems_of_planted(house, layers))
    for name, (files, text, expected) in planted.items():
        problems = problems_of_planted({**house, **files}, text)
        found = any(expected in problem for problem in problems)
        checks.check(f"layers: planted {name} is caught", [] if found else f"expected '{expected}', got {problems}")


def main():
    checks = Checks()
    self_test(checks)
    begin = time.perf_counter()
    problems, edges = scan(ROOT)
    cycle = find_cycle(edges)
    seconds = time.perf_counter() - begin
    checks.check("layers: every include keeps to its floor", problems)
    checks.check("layers: no cycle among folders", [" -> ".join(cycle)] if cycle else [])
    checks.check("layers: scanned in under a second", [] if seconds < 1 else f"{seconds:.2f} s")
    checks.finish()


if __name__ == "__main__":
    main()
