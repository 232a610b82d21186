#!/usr/bin/env python3
"""Do the tests notice a wrong gradient? Flips the sign of every gradient that the files of cairn/ops compute, or drops its last
term or factor, one at a time: in records' vjp members, in the functions behind them, in the composed forms of operations that are
gradients themselves, and in the kernels that write gradients. Counts how many the operations' contract suite catches.

  scripts/mutate_gradients.py [BUILD]      default: build/dev, where test_contract has been built;
                                       a build of one source at a time (CAIRN_UNITY=OFF)
  scripts/mutate_gradients.py --list       only shows the mistakes

All mistakes are compiled once, each behind a number; the environment variable CAIRN_MUTANT chooses one of them. The sources and
the build stay as they are. The last line is `N of M caught`; the exit code is 1 below 95 % and where few are planted.
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
LEAST = 0.95  # of the mistakes
FEWEST = 130  # mistakes: fewer are found only when the sources are no longer read as they are written
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


# Where a file speaks of gradients: records' vjp members, functions that take VjpArgs or a gradient `g`, the composed forms of
# operations that are gradients themselves, and their kernels.
TENSOR_BODIES = re.compile(
    r"\.vjp = \[\]\(const VjpArgs& a\) -> Tensors (?P<a>\{)"
    r"|^Tensors? \w+\(const VjpArgs& a[^)]*\) (?P<b>\{)"
    r"|^Tensors? \w+\([^)]*const Tensor& g\b[^)]*\) (?P<c>\{)"
    r"|^Tensors composed_\w*gradient\(const OpArgs& a\) (?P<d>\{)"
    r"|\.name = \"\w+_gradient\",(?:(?!constinit)[\s\S])*?\.composed = \[\]\(const OpArgs& a\) -> Tensors (?P<e>\{)", re.M)
KERNEL_BODIES = re.compile(r"^void (?:\w*gradient\w*|average_reference|kernel)\(const KernelArgs& a\) (\{)", re.M)
EXPRESSIONS = re.compile(
    r"return (?P<list>\{)|return (?P<one>[^{;][^;]*);|\b\w+\[\d\] = (?P<set>[^;]+);|\bTensor \w+ =\s(?P<named>[^;{]+);"
    r"|\b(?:add_to\(\d, |add_to_x\()(?P<added>[^;]+)\);")
WRITES = re.compile(r"\b(?:dx|dw|dgamma|dbeta|to)\[[^;=]*?\] \+?= (?P<value>[^;]+);")


def inner(text, begin, end):
    """The span without what stands around the expression itself: blanks, a choice against nothing, a cast, opposite()."""
    while True:
        begin += len(text[begin:end]) - len(text[begin:end].lstrip())
        end = begin + len(text[begin:end].rstrip())
        e = text[begin:end]
        if e.endswith(": Tensor()") and (at := top_level(e, [" ? "])):
            begin, end = begin + at[0] + 3, end - len(": Tensor()")
        elif (cast := re.match(r"static_cast<T>\(", e)) and matching(e, cast.end() - 1) == len(e) - 1:
            begin, end = begin + cast.end(), end - 1
        elif (call := re.match(r"opposite\(\s*a,", e)) and matching(e, len("opposite")) == len(e) - 1:
            begin, end = begin + call.end(), end - 1
        else:
            return begin, end


def tensor_places(text, begin, end, of_gradient):
    for found in EXPRESSIONS.finditer(text, begin, end):
        if found.group("list"):
            close = matching(text, found.start("list"))
            body = text[found.end("list"):close]
            cuts = [-1] + top_level(body, [","]) + [len(body)]
            spans = [(found.end("list") + a + 1, found.end("list") + b) for a, b in zip(cuts, cuts[1:])]
        else:
            spans = [found.span(name) for name in ("one", "set", "named", "added") if found.group(name)]
        for a, b in spans:
            a, b = inner(text, a, b)
            if is_gradient(text[a:b], of_gradient):
                yield a, b


def places(text):
    """(begin, end, is a tensor) of expressions that a file's gradients return, keep or write; the outermost of nested ones."""
    found = []
    for body in TENSOR_BODIES.finditer(text):
        begin = next(body.start(k) for k in "abcde" if body.group(k))
        found += [(a, b, True) for a, b in tensor_places(text, begin, matching(text, begin), body.group("e") or body.group("d"))]
    for body in KERNEL_BODIES.finditer(text):
        end, both = matching(text, body.start(1)), "<" in text[max(0, body.start() - 30):body.start()]
        for write in WRITES.finditer(text, body.start(1), end):
            if not both or "from[" in write.group("value"):  # of a kernel that goes both ways only what goes back
                found.append((*inner(text, *write.span("value")), False))
    kept = []
    for a, b, tensor in sorted(set(found)):
        if not kept or a >= kept[-1][1]:
            kept.append((a, b, tensor))
    return kept


def is_gradient(e, of_gradient):
    if len(e) < 1 or "Tensor()" in e or "return" in e or "Tensors" in e or e.startswith(("{", '"')) or not balanced(e):
        return False
    if re.fullmatch(r"scale\(.*, 0\)", e):  # nothing: its sign is no mistake
        return False
    if top_level(e, [" ? "]) or top_level(e, [","]) or re.fullmatch(r"[\w.]+", e):
        return e in ("g", "gated")
    return bool(of_gradient) or bool(re.search(r"grad|\bg\b|\(g\b|share_of\(|Gradient", e))


def balanced(e):
    try:
        return all(e.count(a) == e.count(b) for a, b in ("()", "[]", "{}"))
    except ValueError:
        return False


def without_last(expression):
    """The expression without its last term or factor, or None where it has one alone."""
    for operators in ([" + ", " - "], [" * ", " / "]):
        at = top_level(expression, operators)
        left = expression[:at[-1]] if at else ""
        if re.search(r"[A-Za-z_]\w*[(\[]|\b(?:g|v|sum|root)\b", left):
            return left
    return None


def plan():
    """Every place once: its last term or factor is dropped where it has one to lose, else and in every third place its sign flipped."""
    folder = os.path.join(ROOT, "cairn", "ops")
    flips, drops = [], []
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".cpp"):
            continue
        text = open(os.path.join(folder, name), encoding="utf-8").read()
        for number, place in enumerate(places(text)):
            droppable = number % 3 != 2 and without_last(text[place[0]:place[1]])
            (drops if droppable else flips).append((name, *place))
    return flips, drops


def mutated(number, kind, old, tensor):
    if kind == "sign flipped":
        return f"flipped({number}, {old})" if tensor else f"(mutant({number}) ? -({old}) : ({old}))"
    short = without_last(old)
    return f"(mutant({number}) ? Tensor({short}) : Tensor({old}))" if tensor else f"(mutant({number}) ? ({short}) : ({old}))"


def rewrite(flips, drops):
    """File name -> its text with every mistake in it, and the list of mistakes."""
    edits, names, texts = {}, [], {}
    for kind, chosen in (("sign flipped", flips), ("last term dropped", drops)):
        for name, begin, end, tensor in chosen:
            text = open(os.path.join(ROOT, "cairn", "ops", name), encoding="utf-8").read()
            old = text[begin:end]
            edits.setdefault(name, []).append((begin, end, mutated(len(names), kind, old, tensor)))
            names.append(f"{name}:{text.count(chr(10), 0, begin) + 1} {kind}: {' '.join(old.split())[:90]}")
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
    words += ["-I" + folder, "-iquote", os.path.join(ROOT, "cairn", "ops"), "-Wno-error", "-O0"]
    subprocess.run(words, check=True, cwd=command_folder)


if "--list" in sys.argv:
    print("\n".join(rewrite(*plan())[1]))
    sys.exit(0)
build = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build", "dev"))
command_folder = build
flips, drops = plan()
texts, names = rewrite(flips, drops)
commands = {os.path.basename(c["file"]): c["command"] for c in json.load(open(os.path.join(build, "compile_commands.json")))
            if os.path.dirname(c["file"]).endswith("cairn/ops")}
if missing := sorted(set(texts) - set(commands)):
    sys.exit(f"{build} compiles no {', '.join(missing)} of its own: cmake --preset dev && ninja -C build/dev test_contract")
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
if len(names) < FEWEST:
    sys.exit(f"only {len(names)} mistakes were planted; at least {FEWEST} are expected")
sys.exit(0 if caught >= LEAST * len(names) else 1)
