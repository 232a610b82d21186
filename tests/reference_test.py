#!/usr/bin/env python3
"""The reference pages say what the program's tables say.   tests/reference_test.py PROGRAM"""
import difflib
import importlib.machinery
import importlib.util
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from checks import ROOT, Checks  # noqa: E402

PATH = os.path.join(ROOT, "scripts", "generate_reference")
LOADER = importlib.machinery.SourceFileLoader("generate_reference", PATH)
generate_reference = importlib.util.module_from_spec(importlib.util.spec_from_loader("generate_reference", LOADER))
LOADER.exec_module(generate_reference)


def difference(name, wanted):
    path = os.path.join(ROOT, "docs", "reference", name)
    if not os.path.exists(path):
        return [f"{name} is not there; run scripts/generate_reference"]
    with open(path, encoding="utf-8") as file:
        lines = list(difflib.unified_diff(file.read().splitlines(), wanted.splitlines(), "docs/reference/" + name, "the program", lineterm="", n=0))
    return ["\n".join(lines[:30]) + "\nRun scripts/generate_reference."] if lines else []


def main():
    checks = Checks()
    for name, text in generate_reference.pages(os.path.abspath(sys.argv[1])).items():
        checks.check(f"reference: {name} is up to date", difference(name, text))
    checks.finish()


if __name__ == "__main__":
    main()
