#!/usr/bin/env python3
"""Every C++ file is as clang-format writes it.   tests/format_test.py [--fix]"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from checks import ROOT, Checks  # noqa: E402

FORMATTER = "clang-format-19"


def sources():
    return sorted(os.path.join(folder, name) for top in ("cairn", "apps", "tests", "bench", "recipes")
                  for folder, _, names in os.walk(os.path.join(ROOT, top)) for name in names
                  if name.endswith((".h", ".cpp")) and os.sep + ".venv" + os.sep not in folder + os.sep)


def main():
    files = sources()
    if "--fix" in sys.argv:
        subprocess.run([FORMATTER, "-i", *files], check=True)
        return
    checks = Checks()
    if not shutil.which(FORMATTER):
        checks.skip("format: C++ files", f"{FORMATTER} is not installed")
        checks.finish()
    result = subprocess.run([FORMATTER, "--dry-run", *files], stderr=subprocess.PIPE, text=True, check=False)
    places = [line.split(": warning")[0] for line in result.stderr.splitlines() if ": warning" in line]
    worst = sorted({os.path.relpath(place.rsplit(":", 2)[0], ROOT) for place in places})
    checks.check("format: C++ files are as clang-format-19 writes them (tests/format_test.py --fix)", worst)
    checks.finish()


if __name__ == "__main__":
    main()
