#!/usr/bin/env python3
"""Reads an event file of ours back with TensorBoard itself, from this Python or from build/tensorboard, where `scripts/setup test`
puts it. Skipped, and counted as that, where it is in neither.

Usage: tensorboard_test.py TEST_PROGRAM
"""
import glob
import os
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
sys.path += glob.glob(os.path.join(ROOT, "build", "tensorboard", "lib", "python3*", "site-packages"))
try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    print("skipped: the Python package tensorboard is not here; `scripts/setup test` installs it")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

with tempfile.TemporaryDirectory() as folder:
    subprocess.run([os.path.abspath(sys.argv[1]), "--test-case=event files: written*"], check=True,
                   env=dict(os.environ, CAIRN_EVENTS=folder), stdout=subprocess.DEVNULL)
    path = max((os.path.join(folder, name) for name in os.listdir(folder)), key=os.path.getsize)
    events = EventAccumulator(path)
    events.Reload()
    losses = [(e.step, e.value) for e in events.Scalars("loss/train")]
    assert [step for step, _ in losses] == [1, 2, 3], losses
    assert all(abs(value - 1 / step) < 1e-7 for step, value in losses), losses
    histogram = events.Histograms("weights/fc1")[0].histogram_value
    assert (histogram.min, histogram.max, histogram.num, histogram.sum) == (-1, 2, 4, 1.75), histogram
    assert sum(histogram.bucket) == 4 and len(histogram.bucket) == 30 and histogram.bucket_limit[-1] == 2, histogram
    assert events.Histograms("weights/one")[0].histogram_value.num == 1
print("1 passed, 0 failed")
