#!/usr/bin/env python3
"""Rules about files that need no compiler: their length, the names of folders, what public headers may reach."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from checks import ROOT, Checks  # noqa: E402

LONGEST, LONG = 800, 500  # at most; at the 95th percentile
SOURCES = (".h", ".cpp", ".py", ".js", ".css", ".html", ".cmake")
NAMELESS = {"utils", "util", "common", "misc", "helpers", "helper"}
HEAVY = re.compile(r"^(nlohmann/json\.hpp|fmt/|oneapi/|tbb/|hwy/|cblas\.h|lapacke?\.h|CLI/|Eigen/|iostream$|regex$|filesystem$)")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]', re.MULTILINE)


def tracked_files():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            stdout=subprocess.PIPE, text=True, check=True)
    return [path for path in listed.stdout.split("\n") if path and os.path.exists(os.path.join(ROOT, path))]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def length_problems(paths):
    lengths = sorted((read(path).count("\n"), path) for path in paths if path.endswith(SOURCES))
    problems = [f"{path}: {lines} lines, at most {LONGEST}: split it by topic." for lines, path in lengths if lines > LONGEST]
    lines, path = lengths[int(0.95 * (len(lengths) - 1))]
    if lines > LONG:
        problems.append(f"5 % of the files are longer than {lines} lines ({path}); at most {LONG}.")
    return problems


def folder_problems(paths):
    return sorted({f"{path}: no folder is called {part}; say what is in it." for path in paths
                   for part in os.path.dirname(path).split("/") if part in NAMELESS})


def heavy_includes(header, seen):
    """Outside headers that `header` reaches through headers of the house, as (path of includes, outside header)."""
    if header in seen or not os.path.exists(os.path.join(ROOT, header)):
        return
    seen.add(header)
    for target in INCLUDE.findall(read(header)):
        if target.startswith("cairn/"):
            for chain, outside in heavy_includes(target, seen):
                yield [header] + chain, outside
        elif HEAVY.match(target):
            yield [header], target


def header_problems(paths):
    problems = []
    for header in paths:
        if header.startswith("cairn/") and header.endswith(".h"):
            if "#pragma once" not in read(header):
                problems.append(f"{header}: has no #pragma once.")
            if not header.endswith("_internal.h"):
                problems += [f"{' -> '.join(chain)} includes <{outside}>" for chain, outside in heavy_includes(header, set())]
    return problems


SCOPE = re.compile(r"^(?:inline )?namespace\b([^{;=]*)\{|^\}  // namespace(.*)$")
TYPE = re.compile(r"^(?:class|struct|enum class|enum struct|union)\s+(?:\[\[\w+\]\]\s+)?(\w+)(?:\s+final)?\s*(?::\s[^;]*|\{.*)?$")


def types_of(text):
    """Types defined at the top of named namespaces, by their whole names. clang-format writes which namespace a '}' ends."""
    scopes = []
    for line in text.splitlines():
        if scope := SCOPE.match(line):
            if line.startswith("}"):
                scopes = scopes[:-1]
            else:
                scopes.append(scope.group(1).strip())
        elif (found := TYPE.match(line)) and "" not in scopes:
            yield "::".join(scopes + [found.group(1)])


def twin_problems(texts):
    """Two types of one name in one namespace: the linker takes one of them for both without a word."""
    places = {}
    for path, text in texts.items():
        for name in set(types_of(text)):
            places.setdefault(name, []).append(path)
    return [f"{name} is defined in {' and '.join(paths)}" for name, paths in places.items() if len(paths) > 1]


def main():
    checks = Checks()
    paths = tracked_files()
    checks.check("house: files are short", length_problems(paths))
    checks.check("house: folders have names", folder_problems(paths))
    checks.check("house: public headers include nothing heavy", header_problems(paths))
    checks.check("house: no two types have one name",
                 twin_problems({path: read(path) for path in paths if path.startswith("cairn/") and path.endswith((".h", ".cpp"))}))
    twin = "namespace cairn {\nclass Replay {\n};\n}  // namespace cairn\n"
    hidden = "namespace cairn {\nnamespace {\nclass Replay {\n};\n}  // namespace\n}  // namespace cairn\n"
    checks.check("house: planted twins are caught", [] if twin_problems({"a": twin, "b": twin}) and not
                 twin_problems({"a": twin, "b": hidden}) else ["two types of one name were not told"])
    planted = {"a_common": ["cairn/common/x.h"], "a_misc": ["tests/misc/y.py"]}
    checks.check("house: planted folder names are caught",
                 [name for name, files in planted.items() if not folder_problems(files)])
    checks.finish()


if __name__ == "__main__":
    main()
