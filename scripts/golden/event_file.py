#!/usr/bin/env python3
"""Prints the frames that tests/train/event_file_test.cpp expects, as TensorBoard's own writer makes them (tensorboard 2.21)."""
import io

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


def frame(event):
    out = io.BytesIO()
    RecordWriter(out).write(event.SerializeToString())
    return out.getvalue().hex()


print(frame(Event(wall_time=1700000000.25, file_version="brain.Event:2")))
print(frame(Event(wall_time=1700000001.5, step=300, summary=Summary(value=[Summary.Value(tag="loss/train", simple_value=0.3125)]))))
