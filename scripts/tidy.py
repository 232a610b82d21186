#!/usr/bin/env python3
"""clang-tidy over every source, in parallel, within a stated time; a file that passed is not looked at again until it, a
header it includes or .clang-tidy changes. Sources are read one by one, as a developer's build compiles them: what is missing
where several are compiled together is found here.

  scripts/tidy.py [--seconds N] [--build FOLDER] [FILE...]
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from checks import Checks  # noqa: E402

TIDY = "clang-tidy-19"
FOLDERS = ("cairn/", "apps/", "recipes/")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]((?:cairn|apps|recipes)/[^">]+)[">]', re.MULTILINE)
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "cairn", "tidy")
TEXTS = {}


def text_of(path):
    if path not in TEXTS:
        full = os.path.join(ROOT, path)
        with open(full, encoding="utf-8") as file:
            TEXTS[path] = file.read()
    return TEXTS[path]


def fingerprint(path):
    """Of the source, every header of the house that it reaches, and the settings."""
    reached, open_paths = set(), [path]
    while open_paths:
        current = open_paths.pop()
        if current not in reached and os.path.exists(os.path.join(ROOT, current)):
            reached.add(current)
            open_paths += INCLUDE.findall(text_of(current))
    digest = hashlib.sha256(text_of(".clang-tidy").encode())
    for current in sorted(reached):
        digest.update(current.encode() + b"\0" + text_of(current).encode() + b"\0")
    return digest.hexdigest()


def sources(build):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        paths = {os.path.relpath(entry["file"], ROOT) for entry in json.load(file)}
    return sorted(path for path in paths if path.startswith(FOLDERS) and path.endswith(".cpp"))


def changed_first(paths):
    """What the last commits and the working tree touch comes first, in case the time does not reach the rest."""
    listed = subprocess.run(["git", "log", "-5", "--name-only", "--format="], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                            check=False).stdout
    listed += subprocess.run(["git", "diff", "--name-only", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                             check=False).stdout
    changed = set(listed.split())
    return sorted(paths, key=lambda path: (path not in changed, path))


def look_at(path, build, deadline):
    if time.monotonic() > deadline:
        return path, None
    result = subprocess.run([TIDY, "-p", build, "--quiet", os.path.join(ROOT, path)], cwd=ROOT, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True, check=False)
    if result.returncode and "[clang-diagnostic-error" in result.stdout:
        return path, result.stdout
    said = result.stdout.replace(ROOT + "/", "") if result.returncode else ""
    if not said:
        with open(os.path.join(CACHE, fingerprint(path)), "w", encoding="utf-8") as file:
            file.write(path + "\n")
    return path, said


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "tidy"), help="where compile_commands.json is written")
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    checks = Checks()
    if not shutil.which(TIDY):
        checks.skip("tidy", f"{TIDY} is not installed")
        checks.finish()
    os.makedirs(CACHE, exist_ok=True)
    configured = subprocess.run(["cmake", "--preset", "release", "-B", arguments.build, "-DCAIRN_UNITY=OFF", "-DCAIRN_TESTS=OFF"],
                                cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if configured.returncode:
        checks.check("tidy: configures", configured.stdout)
        checks.finish()
    paths = [os.path.relpath(os.path.abspath(path), ROOT) for path in arguments.files] or sources(arguments.build)
    known = [path for path in paths if os.path.exists(os.path.join(CACHE, fingerprint(path)))]
    to_do = changed_first(set(paths) - set(known))
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda path: look_at(path, arguments.build, begin + arguments.seconds), to_do))
    print(f"tidy: {len(known)} files as they passed before, {len(to_do)} looked at in {time.monotonic() - begin:.0f} s")
    # A finding in a header shows in every source that includes it; it is told once.
    told = set()
    late = [path for path, said in results if said is None]
    findings = []
    for path, said in results:
        for finding in re.split(r"(?m)^(?=\S+:\d+:\d+: (?:error|warning): )", said or ""):
            head = finding.split("\n")[0]
            if head and head not in told:
                told.add(head)
                findings.append(finding.rstrip())
    checks.check("tidy: no finding", findings)
    if late:
        checks.skip("tidy", f"{len(late)} files in the stated time: {', '.join(late[:8])}{', ...' if len(late) > 8 else ''}")
    checks.finish()


if __name__ == "__main__":
    main()
