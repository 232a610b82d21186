#!/usr/bin/env python3
"""What the documents promise: the declarations of docs/internals/architecture.md compile, links lead somewhere."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from checks import ROOT, Checks  # noqa: E402

# What the page's code stands under in its own file.
PRELUDE = """
#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/elementwise_internal.h"
namespace cairn {
"""

PROGRAM = [f"#include <{name}>\n" for name in ("iostream", "cairn/builtin/registry.h", "cairn/data/csv.h", "cairn/data/split.h",
                                                "cairn/linear/linear_regression.h", "cairn/model/evaluate.h")]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def documents():
    for folder, _, names in os.walk(os.path.join(ROOT, "docs")):
        for name in names:
            if name.endswith(".md"):
                yield os.path.relpath(os.path.join(folder, name), ROOT)
    yield from (name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md") if os.path.exists(os.path.join(ROOT, name)))


def broken_links(path):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", read(path), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target and not os.path.exists(os.path.join(ROOT, os.path.dirname(path), target)):
            yield f"{path}: {target} is not there."


def blocks_of(path):
    return re.findall(r"```cpp\n(.*?)```", read(path), re.DOTALL)


def architecture():
    return PRELUDE + "".join(blocks_of("docs/internals/architecture.md")) + "}\n"


def as_program(path):
    """The page's code as the body of main, below the headers that it would include."""
    lines = "".join(blocks_of(path)).splitlines(keepends=True)
    return "".join(PROGRAM + [line for line in lines if line.startswith("#")]) + \
        "using namespace cairn;\nint main() {\n" + "".join(line for line in lines if not line.startswith("#")) + "}\n"


def compile_problems(compiler, source):
    result = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", f"-I{ROOT}", "-x", "c++", "-"], input=source,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return result.stdout if result.returncode else []


def main():
    checks = Checks()
    for compiler in ("g++", "clang++-19"):
        if shutil.which(compiler):
            checks.check(f"docs: the declarations of architecture.md compile with {compiler}",
                         compile_problems(compiler, architecture()))
            for path in ("README.md", "docs/guide/07-use-from-cpp.md", "docs/guide/08-networks.md"):
                checks.check(f"docs: the code of {path} compiles with {compiler}", compile_problems(compiler, as_program(path)))
    checks.check("docs: every link leads somewhere", [problem for path in documents() for problem in broken_links(path)])
    checks.finish()


if __name__ == "__main__":
    main()
