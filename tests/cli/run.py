#!/usr/bin/env python3
"""Runs the cases of tests/cli/*.txt against the program: command, exit code, expected words.

A case file is read line by line:

    ## title                      a case begins, in an empty folder of its own
    file NAME                     the lines up to a single '.' become that file ("\\x00"-style escapes are understood)
    bytes NAME PYTHON_EXPRESSION  a file made by an expression (bytes)
    $ words                       runs `cairn words` (through a shell, so that pipes work)
    exit N                        the exit code it must have
    stdout: words / stderr: words what must be printed there (also: 'stdout!: words' must not be)
    json: PYTHON_EXPRESSION       must be true; `out` is the JSON object printed on standard output
    exists: NAME / absent: NAME   a file that must, or must not, be there

Usage: run.py PROGRAM [CASE_FILE...]; the last line is `N passed, N failed`.
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DATA = os.environ.get("CAIRN_DATA") or os.path.join(os.path.dirname(ROOT), "shared", "data")
SECONDS = 120


def cases(path):
    """Yields (title, line number, list of (line number, line))."""
    title, start, lines = None, 0, []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if line.startswith("## "):
            if title:
                yield title, start, lines
            title, start, lines = line[3:], number, []
        elif title:
            lines.append((number, line))
    if title:
        yield title, start, lines


class Failed(Exception):
    pass


def run_case(program, lines, folder):
    result = None
    at = 0
    environment = dict(os.environ, CAIRN=program, DATA=DATA, REPO=ROOT, PATH=os.path.dirname(program) + ":" + os.environ["PATH"])
    environment.pop("NO_COLOR", None)
    while at < len(lines):
        number, line = lines[at]
        at += 1
        if not line.strip() or line.startswith("# "):
            continue
        word, _, rest = line.partition(" ")
        if word == "needs-data":
            if not os.path.exists(os.path.join(DATA, rest)):
                return "skipped"
        elif word == "file":
            text = []
            while lines[at][1] != ".":
                text.append(lines[at][1])
                at += 1
            at += 1
            with open(os.path.join(folder, rest), "wb") as out:
                body = "\n".join(text) + "\n"
                out.write(body.encode("utf-8").decode("unicode_escape").encode("latin-1") if "\\" in body else body.encode("utf-8"))
        elif word == "bytes":
            name, _, expression = rest.partition(" ")
            os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
            with open(os.path.join(folder, name), "wb") as out:
                out.write(eval(expression, {"gzip": __import__("gzip"), "open": open, "folder": folder, "struct": __import__("struct")}))
        elif word == "$":
            try:
                result = subprocess.run("cairn " + rest if not rest.startswith("! ") else rest[2:], shell=True, cwd=folder, env=environment,
                                        capture_output=True, timeout=SECONDS)
            except subprocess.TimeoutExpired:
                raise Failed(f"line {number}: still running after {SECONDS} s")
            out, err = (s.decode("utf-8", "replace") for s in (result.stdout, result.stderr))
            shown = f"\n    stdout: {out[:600]}\n    stderr: {err[:600]}"
        elif word == "exit":
            if result.returncode != int(rest):
                raise Failed(f"line {number}: exit code {result.returncode}, expected {rest}{shown}")
        elif word in ("stdout:", "stderr:"):
            if rest not in (out if word == "stdout:" else err):
                raise Failed(f"line {number}: {word[:-1]} lacks '{rest}'{shown}")
        elif word in ("stdout!:", "stderr!:"):
            if rest in (out if word == "stdout!:" else err):
                raise Failed(f"line {number}: {word[:-2]} holds '{rest}'{shown}")
        elif word == "json:":
            try:
                good = eval(rest, {"out": json.loads(out), "len": len, "abs": abs, "all": all, "any": any})
            except Exception as error:
                raise Failed(f"line {number}: {rest}: {error!r}{shown}")
            if not good:
                raise Failed(f"line {number}: {rest} is not true{shown}")
        elif word in ("exists:", "absent:"):
            if bool(glob.glob(os.path.join(folder, rest))) != (word == "exists:"):
                raise Failed(f"line {number}: {rest} {'is not there' if word == 'exists:' else 'is there'}{shown}")
        else:
            raise Failed(f"line {number}: '{line}' is no line of a case")
    return "passed"


def main():
    program = os.path.abspath(sys.argv[1])
    files = sys.argv[2:] or sorted(glob.glob(os.path.join(HERE, "*.txt")))
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for path in files:
        for title, start, lines in cases(path):
            folder = tempfile.mkdtemp(prefix="cairn-cli-")
            try:
                counts[run_case(program, lines, folder)] += 1
            except Failed as error:
                counts["failed"] += 1
                print(f"FAILED {os.path.basename(path)}:{start} {title}\n  {error}")
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    if counts["skipped"]:
        print(f"{counts['skipped']} cases need the shared data, which are not there: skipped")
    print(f"{counts['passed']} passed, {counts['failed']} failed" + (f", {counts['skipped']} skipped" if counts["skipped"] else ""))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
