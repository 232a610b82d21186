"""What every test written in Python prints: one line a check, and a last line with the sums that scripts/test adds up."""
import os
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


class Checks:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, problems):
        """A check holds when `problems` is empty; else every problem is shown."""
        if isinstance(problems, str):
            problems = [problems] if problems else []
        if problems:
            self.failed += 1
            print(f"FAILED: {name}")
            for problem in problems:
                print("  " + str(problem).rstrip().replace("\n", "\n  "))
        else:
            self.passed += 1
            print(f"ok: {name}")
        sys.stdout.flush()

    def skip(self, name, reason):
        self.skipped += 1
        print(f"skipped: {name}: {reason}", flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        sys.exit(1 if self.failed else 0)
