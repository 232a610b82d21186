#!/usr/bin/env python3
"""Do the tests notice a wrong gradient? Flips the sign of 20 gradients of the catalogue of operations and drops a term or a factor
from 20 others, one at a time, and counts how many the operations' contract suite catches.

  scripts/mutate_gradients.py [BUILD]      default: build/release, where test_contract has been built

All mistakes are compiled once, each behind a number; the environment variable CAIRN_MUTANT chooses one of them. The sources and
the build stay as they are. The last line is `N of M caught`; the exit code is 1 below 38 of 40.
"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
EACH, LEAST = 20, 38
HEADER = """#pragma once
#include <cstdlib>
#include "cairn/ops/elementwise.h"
namespace cairn {
inline bool mutant(int n) {
  static const int chosen = std::getenv("CAIRN_MUTANT") ? std::atoi(std::getenv("CAIRN_MUTANT")) : -1;
  return n == chosen;
}
inline Tensor flipped(int n, const Tensor& t) { return mutant(n) && t.defined() ? t * -1.0 : t; }
}  // namespace cairn
"""


def matching(text, at):
    """The place of the bracket that closes the one at `at`."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] in "([{") - (text[i] in ")]}")
        if depth == 0:
            return i
    raise ValueError("brackets do not match")


def top_level(text, wanted):
    """Places in `text`, outside of brackets, where one of the strings `wanted` begins."""
    depth, found = 0, []
    for i, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if depth == 0 and any(text.startswith(w, i) for w in wanted):
            found.append(i)
    return found


def gradients(text):
    """Spans of the expressions that a file's gradients return or assign: (begin, end)."""
    spans = []
    for start in re.finditer(r"\.vjp =\s*\[\]\(const VjpArgs& a\) -> Tensors (\{)|^Tensors \w*vjp\(const VjpArgs& a\) (\{)", text, re.M):
        begin = start.start(1) if start.group(1) else start.start(2)
        end = matching(text, begin)
        body = text[begin:end]
        for r in re.finditer(r"return (\{)|\b(?:r|grads|gradients)\[\d\] = ", body):
            if r.group(1):
                close = matching(body, r.start(1))
                inner = body[r.end():close]
                cuts = [-1] + top_level(inner, [","]) + [len(inner)]
                for a, b in zip(cuts, cuts[1:]):
                    spans.append((begin + r.end() + a + 1, begin + r.end() + b))
            else:
                spans.append((begin + r.end(), begin + r.end() + body[r.end():].index(";")))
    return [(a, b) for a, b in spans if is_gradient(text[a:b])]


def is_gradient(expression):
    e = expression.strip()
    return bool(e) and "Tensor()" not in e and "?" not in e and "{}" != e and ("grad" in e or re.match(r"(g|da|db|dx)\b", e) or "(g" in e)


def without_last(expression):
    """The expression without its last term or factor, or None where it has one alone."""
    for operators in ([" + ", " - "], [" * ", " / "]):
        at = top_level(expression, operators)
        if at and "grad" in expression[:at[-1]] and "return" not in expression:
            return expression[:at[-1]]
    return None


def evenly(items, n):
    return [items[i * len(items) // n] for i in range(min(n, len(items)))]


def plan():
    flips, drops = [], []
    folder = os.path.join(ROOT, "cairn", "ops")
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".cpp"):
            continue
        text = open(os.path.join(folder, name), encoding="utf-8").read()
        for begin, end in gradients(text):
            (drops if without_last(text[begin:end]) else flips).append((name, begin, end))
    chosen_drops = evenly(drops, EACH)
    rest = sorted(set(flips + drops) - set(chosen_drops))
    return evenly(rest, EACH), chosen_drops


def rewrite(flips, drops):
    """File name -> its text with every mistake in it, and the list of mistakes."""
    edits, names = {}, []
    for kind, places in (("sign flipped", flips), ("last term dropped", drops)):
        for name, begin, end in places:
            number = len(names)
            text = open(os.path.join(ROOT, "cairn", "ops", name), encoding="utf-8").read()
            old = text[begin:end].strip()
            new = f"flipped({number}, {old})" if kind == "sign flipped" else f"(mutant({number}) ? Tensor({without_last(old)}) : Tensor({old}))"
            edits.setdefault(name, []).append((begin, end, new))
            line = text.count("\n", 0, begin) + 1
            names.append(f"{name}:{line} {kind}: {' '.join(old.split())[:90]}")
    texts = {}
    for name, list_of_edits in edits.items():
        text = open(os.path.join(ROOT, "cairn", "ops", name), encoding="utf-8").read()
        for begin, end, new in sorted(list_of_edits, reverse=True):
            text = text[:begin] + new + text[end:]
        texts[name] = '#include "gradient_mutants.h"\n' + text
    return texts, names


def compile_one(command, source, output, folder):
    words = shlex.split(command)
    words[words.index("-o") + 1] = output
    words[words.index("-c") + 1] = source
    for flag in ("-MD",):
        if flag in words:
            words.remove(flag)
    for flag in ("-MT", "-MF"):
        if flag in words:
            at = words.index(flag)
            del words[at:at + 2]
    words += ["-I" + folder, "-iquote", os.path.join(ROOT, "cairn", "ops"), "-Wno-error"]
    subprocess.run(words, check=True, cwd=command_folder)


build = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build", "release"))
command_folder = build
flips, drops = plan()
texts, names = rewrite(flips, drops)
commands = {os.path.basename(c["file"]): c["command"] for c in json.load(open(os.path.join(build, "compile_commands.json")))
            if os.path.dirname(c["file"]).endswith("cairn/ops")}
with tempfile.TemporaryDirectory() as folder:
    open(os.path.join(folder, "gradient_mutants.h"), "w").write(HEADER)
    jobs = []
    for name, text in texts.items():
        source = os.path.join(folder, name)
        open(source, "w").write(text)
        jobs.append((commands[name], source, source + ".o", folder))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda job: compile_one(*job), jobs))
    # What stands before the library is taken from there, and the library's own object is left out.
    link = subprocess.run(["ninja", "-C", build, "-t", "commands", "tests/test_contract"], stdout=subprocess.PIPE, text=True, check=True)
    command = next(line for line in reversed(link.stdout.splitlines()) if "-o tests/test_contract" in line)
    program = os.path.join(folder, "test_contract")
    command = command.replace("-o tests/test_contract", f"-o {program} {' '.join(j[2] for j in jobs)}")
    subprocess.run(command, shell=True, check=True, cwd=build)

    def catches(number):
        environment = dict(os.environ, CAIRN_MUTANT=str(number))
        return subprocess.run([program, "--source-file=*ops_test.cpp", "--no-skipped-summary"], env=environment, cwd=ROOT,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0

    if catches(-1):
        sys.exit("the suite fails without a mistake; make it pass first")
    caught = 0
    for number, name in enumerate(names):
        found = catches(number)
        caught += found
        print(f"{'caught' if found else 'MISSED'}  {name}", flush=True)
print(f"{caught} of {len(names)} caught")
sys.exit(0 if caught >= LEAST and len(names) >= 2 * EACH else 1)
