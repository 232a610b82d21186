#!/usr/bin/env python3
"""scripts/test counts what ran, names what failed and never takes silence or a crash for success; the guide's test waits for
no folder that a command makes."""
import contextlib
import io
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "support"), os.path.join(HERE, "..", "scripts")]
from checks import Checks  # noqa: E402
from guide_test import runs_read  # noqa: E402
from run_tests import Tally  # noqa: E402

RULE = "=" * 79
DOCTEST = f"""[doctest] doctest version is "2.4.9"
skipped: real data: titanic/train.csv is not under ../shared/data
{RULE}
a.cpp:4:
TEST CASE:  bad sum

a.cpp:4: ERROR: CHECK( 1 + 1 == 3 ) is NOT correct!
  values: CHECK( 2 == 3 )

{RULE}
a.cpp:5:
TEST CASE:  talks

a.cpp:5: MESSAGE: only a message

{RULE}
a.cpp:6:
TEST SUITE: s
TEST CASE:  throws
  inner

a.cpp:6: ERROR: test case THREW exception: 1

{RULE}
a.cpp:6:
TEST SUITE: s
TEST CASE:  throws

a.cpp:6: ERROR: test case THREW exception: unknown exception

{RULE}
[doctest] test cases: 4 | 2 passed | 2 failed | 0 skipped
[doctest] assertions: 2 | 1 passed | 1 failed |
[doctest] Status: FAILURE!
"""
CHECKS = "ok: a\nFAILED: b: c\n  because\nskipped: d: no data\n1 passed, 1 failed, 1 skipped\n"
CASES = {
    "doctest": (DOCTEST, False, "2 passed, 2 failed, 1 skipped", ["x: bad sum", "x: throws"]),
    "doctest, all well": ("[doctest] test cases: 3 | 3 passed | 0 failed | 0 skipped\n", True, "3 passed, 0 failed", []),
    "doctest that crashed before its summary": ("a.cpp:1: FATAL\n", False, "0 passed, 1 failed", ["x: ended badly"]),
    "doctest that a sanitizer ended after its summary":
        ("[doctest] test cases: 3 | 3 passed | 0 failed | 0 skipped\nLeakSanitizer\n", False, "3 passed, 1 failed", ["x: ended badly"]),
    "checks": (CHECKS, False, "1 passed, 1 failed, 1 skipped", ["b: c"]),
    "checks without a word on what was skipped": ("FAILED a.txt:3 b\n  because\n4 passed, 1 failed\n", False, "4 passed, 1 failed",
                                                 ["a.txt:3 b"]),
    "checks that name fewer than they count": ("4 passed, 2 failed, 1 skipped\n", False, "4 passed, 2 failed, 1 skipped",
                                               ["x: a check", "x: a check"]),
    "a plain program": ("done\n", True, "1 passed, 0 failed", []),
    "a plain program that failed": ("", False, "0 passed, 1 failed", ["x: ended badly"]),
}


# What a command of the guide needs from a command before it: what it writes itself it does not wait for.
READ = {
    "cairn tune penguins.csv --target species --out runs/tuned": [],
    "cairn predict runs/housing-squares housing.csv --out prices.csv": ["runs/housing-squares"],
    "cairn compare runs/honest runs/logistic --data penguins.csv": ["runs/honest", "runs/logistic"],
}


def main():
    checks = Checks()
    for title, (output, succeeded, expected, failures) in CASES.items():
        tally = Tally()
        with contextlib.redirect_stdout(io.StringIO()):
            tally.add_output("x", output, succeeded)
        got = tally.last_line(), tally.failures
        checks.check(f"runner: {title}", [] if got == (expected, failures) else f"expected {expected} {failures}, got {got}")
    for command, expected in READ.items():
        checks.check(f"runner: what is read by {command}", [] if runs_read(command) == expected else f"got {runs_read(command)}")
    checks.finish()


if __name__ == "__main__":
    main()
