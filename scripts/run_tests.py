#!/usr/bin/env python3
"""Builds Cairn and runs every test there is. Called by scripts/test, which does the set-up.

The last line is `N passed, N failed` (and `, N skipped`): the sum of doctest's test cases and of every other check. The name
of each one that fails is printed, with what it said.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
STEPS = ("release", "house", "tidy", "sanitize", "fuzz", "tsan")
DOCTEST = re.compile(r"\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed")
CHECKS = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.MULTILINE)
FAILED_CASE = re.compile(r"^={20,}\n\S+:\d+:\n(?:TEST SUITE: .*\n)?TEST CASE:\s+(.*)\n((?:.*\n)*?)(?=^={20,}|\Z)", re.MULTILINE)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures, self.skips = [], []

    def ok(self, name):
        self.passed += 1
        print(f"  ok: {name}", flush=True)

    def fail(self, name, said=""):
        self.failed += 1
        self.failures.append(name)
        print(f"  FAILED: {name}", flush=True)
        for line in said.rstrip().splitlines()[-60:]:
            print("    " + line)

    def skip(self, line):
        self.skipped += 1
        self.skips.append(line)

    def add_output(self, name, output, succeeded):
        """Adds what a test program printed: doctest's summary, or that of tests/support/checks.py."""
        output = ANSI.sub("", output)
        before = self.failed
        skips = [line[len("skipped: "):] for line in output.splitlines() if line.startswith("skipped: ")]
        for line in skips:
            self.skip(f"{name}: {line}")
        if summary := DOCTEST.search(output):
            _, passed, failed = map(int, summary.groups())
            self.passed += passed
            named = {}  # a case may speak several times
            for case, text in FAILED_CASE.findall(output):
                if "ERROR:" in text:
                    named[case] = named.get(case, "") + text
            for case, text in named.items():
                self.fail(f"{name}: {case}", text)
            for _ in range(failed - len(named)):
                self.fail(f"{name}: a test case", output)
        elif summary := CHECKS.search(output):
            self.passed += int(summary.group(1))
            blocks = re.findall(r"^FAILED:? (.*(?:\n  .*)*)", output, re.MULTILINE)
            for block in blocks:
                first, _, rest = block.partition("\n")
                self.fail(first, rest)
            for _ in range(int(summary.group(2)) - len(blocks)):
                self.fail(f"{name}: a check", output)
            for _ in range(int(summary.group(3) or 0) - len(skips)):
                self.skip(f"{name}: a case without its data")
        elif succeeded:
            self.passed += 1
        if not succeeded and self.failed == before:
            self.fail(f"{name}: ended badly", output)

    def last_line(self):
        return f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else "")


def run(command, **more):
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          check=False, **more)


def build(tally, preset, target="all", options=()):
    """Configures and builds a preset; warnings are errors."""
    configured = run(["cmake", "--preset", preset, "-DCAIRN_TESTS=ON", "-DCAIRN_WERROR=ON", *options])
    if configured.returncode:
        tally.fail(f"configure {preset}", configured.stdout)
        return False
    built = run(["cmake", "--build", "--preset", preset, "--target", target])
    if built.returncode:
        lines = [line for line in built.stdout.splitlines() if re.search(r"error|FAILED|undefined reference|multiple definition", line)]
        tally.fail(f"build {preset}", "\n".join(line[:300] for line in lines[:30]))
        return False
    tally.ok(f"build {preset} without a warning")
    return True


def ctest(tally, preset, environment=None):
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.xml")
        run(["ctest", "--test-dir", f"build/{preset}", "-j", str(os.cpu_count()), "--timeout", "600", "--output-junit", report,
             "--test-output-size-passed", "10000000", "--test-output-size-failed", "10000000"],
            env={**os.environ, **(environment or {})})
        cases = ElementTree.parse(report).getroot().findall("testcase")
    if not cases:
        tally.fail(f"{preset}: no test was found")
    for case in cases:
        before = tally.passed, tally.failed
        tally.add_output(f"{preset}/{case.get('name')}", case.findtext("system-out") or "", case.get("status") == "run")
        print(f"  {preset}/{case.get('name')}: {tally.passed - before[0]} passed, {tally.failed - before[1]} failed, "
              f"{float(case.get('time')):.1f} s", flush=True)


def step_release(tally, _):
    # The programs of the bench table are built too: a row that no longer compiles is found here, not on the day of measuring.
    if build(tally, "release", options=["-DCAIRN_BENCH=ON"]):
        ctest(tally, "release")


def step_house(tally, _):
    result = run([sys.executable, "tests/format_test.py"])
    tally.add_output("format", result.stdout, result.returncode == 0)


def step_tidy(tally, arguments):
    result = run([sys.executable, "scripts/tidy.py", "--seconds", str(arguments.tidy_seconds)])
    print("  " + "\n  ".join(line for line in result.stdout.splitlines() if line.startswith("tidy:")))
    tally.add_output("tidy", result.stdout, result.returncode == 0)


def step_sanitize(tally, _):
    if build(tally, "sanitize", "cairn_tests"):
        ctest(tally, "sanitize", {"ASAN_OPTIONS": "detect_stack_use_after_return=1", "UBSAN_OPTIONS": "print_stacktrace=1"})


def step_fuzz(tally, arguments):
    folder = os.path.join(ROOT, "build", "sanitize", "tests", "fuzz")
    targets = sorted(name for name in (os.listdir(folder) if os.path.isdir(folder) else [])
                     if name.startswith("fuzz_") and os.access(os.path.join(folder, name), os.X_OK)
                     and os.path.isfile(os.path.join(folder, name)))
    if not targets:
        tally.fail("fuzz: no target was built")
    running = []
    for target in targets:
        findings = os.path.join(ROOT, "build", "findings", target)
        grown = os.path.join(findings, "corpus")
        os.makedirs(grown, exist_ok=True)
        # The fuzzer of the loader also starts from one whole file a kind of model.
        kept = [os.path.join(ROOT, "tests", "fuzz", "corpus", target[len("fuzz_"):])] + \
            ([os.path.join(ROOT, "tests", "golden", "models")] if target == "fuzz_model" else [])
        command = [os.path.join(folder, target), f"-max_total_time={arguments.fuzz_seconds}", "-timeout=20", "-rss_limit_mb=3072",
                   "-max_len=65536", "-print_final_stats=1", f"-artifact_prefix={findings}/", grown] + \
            [folder for folder in kept if os.path.isdir(folder)]
        with open(os.path.join(findings, "log.txt"), "w", encoding="utf-8") as log:
            running.append((target, findings, subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)))
    for target, findings, process in running:
        code = process.wait()
        with open(os.path.join(findings, "log.txt"), encoding="utf-8", errors="replace") as log:
            said = log.read()
        runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", said)
        if code == 0:
            tally.ok(f"fuzz: {target}, {arguments.fuzz_seconds} s, {runs.group(1) if runs else '?'} inputs")
        else:
            tally.fail(f"fuzz: {target} (the input is in {os.path.relpath(findings, ROOT)})", said[-4000:])


def step_tsan(tally, _):
    if build(tally, "tsan", "cairn_tests"):
        ctest(tally, "tsan", {"TSAN_OPTIONS": "halt_on_error=1 second_deadlock_stack=1"})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(STEPS), help=f"some of {','.join(STEPS)}")
    parser.add_argument("--fuzz-seconds", type=int, default=60, help="for each fuzz target")
    parser.add_argument("--tidy-seconds", type=int, default=60, help="what clang-tidy may take; files it saw before cost nothing")
    arguments = parser.parse_args()
    wanted = arguments.only.split(",")
    if unknown := [step for step in wanted if step not in STEPS]:
        parser.error(f"there is no step '{unknown[0]}'; known: {', '.join(STEPS)}")
    tally, seconds = Tally(), {}
    for step in STEPS:
        if step in wanted:
            print(f"== {step}", flush=True)
            begin = time.monotonic()
            globals()["step_" + step](tally, arguments)
            seconds[step] = time.monotonic() - begin
    print("\nseconds: " + ", ".join(f"{step} {value:.0f}" for step, value in seconds.items()))
    for title, lines in (("skipped", tally.skips), ("failed", tally.failures)):
        for line in lines:
            print(f"{title}: {line}")
    print(tally.last_line(), flush=True)
    sys.exit(1 if tally.failed else 0)


if __name__ == "__main__":
    main()
