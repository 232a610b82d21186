#!/usr/bin/env python3
"""Writes one table in every format that Cairn reads, by the programs that people write it with: tests/readers/tables.

  pip install numpy pyarrow h5py liac-arff pandas && scripts/golden/reader_tables.py

tests/readers/tables_test.cpp reads them all and wants the same table from each.
"""
import csv
import gzip
import json
import os
import sqlite3

import arff
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "readers", "tables")
NAMES = ["id", "price", "rooms", "sold", "colour", "note", "day"]
WORDS = ["old", "house", "near", "the", "Zürich", "lake,", "with", '"large"', "rooms", "and", "it's", "a", "50%", "bargain"]


def rows():
    made = []
    for i in range(30):
        note = " ".join(WORDS[(i * 5 + k * (1 + i % 3)) % len(WORDS)] for k in range(5)) + f" no {i}"
        made.append({
            "id": 1000 + i,
            "price": None if i % 7 == 3 else round(100 + i * 1.37, 2),
            "rooms": 1 + i % 5,
            "sold": i % 3 == 0,
            "colour": None if i % 11 == 5 else ["red", "green", "dark blue"][i % 3],
            "note": note,
            "day": None if i == 4 else f"20{10 + i % 9}-0{1 + i % 9}-{10 + i % 18}T{i % 24:02}:30:00",
        })
    return made


def at(name):
    path = os.path.join(FOLDER, name)
    if os.path.exists(path):
        os.remove(path)
    return path


def text_cells(row):
    return ["" if v is None else "true" if v is True else "false" if v is False else str(v) for v in row.values()]


def write_text(table):
    with open(at("table.csv"), "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(NAMES)
        writer.writerows(text_cells(row) for row in table)
    with open(at("objects.jsonl"), "w", encoding="utf-8") as file:
        for i, row in enumerate(table):  # a missing key, or null; keys in any order; as characters or as escapes
            kept = {k: v for k, v in row.items() if v is not None or i % 2}
            items = list(kept.items())
            file.write(json.dumps(dict(items if i % 3 or i == 0 else items[::-1]), ensure_ascii=i % 2 == 0) + "\n")
    with gzip.GzipFile(at("arrays.jsonl.gz"), "wb", mtime=0) as file:
        for line in [NAMES] + [list(row.values()) for row in table]:
            file.write((json.dumps(line) + "\n").encode())
    with open(at("records.json"), "w", encoding="utf-8") as file:
        json.dump(table, file, indent=1)
    kinds = {"sold": ["true", "false"], "colour": ["red", "green", "dark blue", "never seen"], "note": "STRING"}
    attributes = [(n, kinds.get(n, "NUMERIC")) for n in NAMES]
    cells = [[v if not isinstance(v, bool) else str(v).lower() for v in row.values()] for row in table]
    text = arff.dumps({"relation": "houses", "attributes": attributes[:-1], "data": [row[:-1] for row in cells]})
    head, data = text.split("@DATA\n")  # liac-arff writes no dates
    lines = [line for line in data.split("\n") if line and not line.startswith("%")]
    assert len(lines) == len(table)
    head += "@ATTRIBUTE day DATE \"yyyy-MM-dd'T'HH:mm:ss\"\n\n@DATA\n"
    with open(at("table.arff"), "w", encoding="utf-8") as file:
        file.write("% made by liac-arff\n" + head)
        file.writelines(f"{line},{row['day'] or '?'}\n" for line, row in zip(lines, table))


def write_sqlite(table):
    base = sqlite3.connect(at("table.db"))
    base.execute("create table houses (id integer, price real, rooms integer, sold text, colour text, note text, day text)")
    base.executemany("insert into houses values (?, ?, ?, ?, ?, ?, ?)",
                     [[str(v).lower() if isinstance(v, bool) else v for v in row.values()] for row in table])
    base.commit()
    base.execute("vacuum")
    base.close()


def columns(table):
    return {
        "id": np.array([r["id"] for r in table], dtype="<i8"),
        "price": np.array([np.nan if r["price"] is None else r["price"] for r in table], dtype="<f8"),
        "rooms": np.array([r["rooms"] for r in table], dtype=">i2"),
        "sold": np.array([r["sold"] for r in table], dtype="?"),
        "colour": np.array([r["colour"] or "" for r in table], dtype="S9"),
        "note": np.array([r["note"] for r in table], dtype="U60"),
        "day": np.array([r["day"] or "NaT" for r in table], dtype="M8[ms]"),
    }


def write_numpy(table):
    by_name = columns(table)
    records = np.empty(len(table), dtype=np.dtype([(n, by_name[n].dtype) for n in NAMES], align=True))
    for name in NAMES:
        records[name] = by_name[name]
    np.save(at("records.npy"), records)
    np.savez_compressed(at("columns.npz"), **by_name)


def write_hdf5(table):
    by_name = columns(table)
    text = h5py.string_dtype()
    types = {"colour": text, "note": text, "day": text}
    stored = {n: np.array([r[n] or "" for r in table], dtype=object) if n in types else by_name[n] for n in NAMES}
    with h5py.File(at("columns.h5"), "w", libver=("v108", "v108")) as file:
        for name in NAMES:
            file.create_dataset(f"houses/{name}", data=stored[name], dtype=types.get(name), track_times=False)
    with h5py.File(at("records.h5"), "w", libver=("v108", "v108")) as file:
        kind = np.dtype([(n, types.get(n, by_name[n].dtype)) for n in NAMES])
        rows_of = np.empty(len(table), dtype=kind)
        for name in NAMES:
            rows_of[name] = stored[name]
        file.create_dataset("houses", data=rows_of, chunks=(8,), compression="gzip", track_times=False)


def write_arrow(table):
    days = [None if r["day"] is None else np.datetime64(r["day"], "us").item() for r in table]
    made = pa.table({
        "id": pa.array([r["id"] for r in table], pa.int64()),
        "price": pa.array([r["price"] for r in table], pa.float64()),
        "rooms": pa.array([r["rooms"] for r in table], pa.int8()),
        "sold": pa.array([r["sold"] for r in table], pa.bool_()),
        "colour": pa.array([r["colour"] for r in table], pa.string()),
        "note": pa.array([r["note"] for r in table], pa.large_string()),
        "day": pa.array(days, pa.timestamp("us")),
    })
    pa.parquet.write_table(made, at("table.parquet"), row_group_size=11)
    pa.feather.write_feather(made.set_column(4, "colour", made["colour"].dictionary_encode()), at("table.feather"),
                             compression="zstd")
    with pa.OSFile(at("table.arrows"), "wb") as file, pa.ipc.new_stream(file, made.schema) as stream:
        stream.write_table(made, max_chunksize=7)
    frame = made.select(["id", "price", "rooms", "sold", "colour", "note", "day"]).to_pandas()
    frame["rooms"] = frame["rooms"].astype("int32")
    frame.to_parquet(at("pandas.parquet"))


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    made_rows = rows()
    for write in (write_text, write_sqlite, write_numpy, write_hdf5, write_arrow):
        write(made_rows)
    print(f"{len(os.listdir(FOLDER))} files; pandas {pd.__version__}, pyarrow {pa.__version__}, h5py {h5py.__version__}")
