#!/usr/bin/env python3
"""The bench table: Cairn beside its peers, in one run.   make bench   make bench ROW=T1

Ratio = peer's time / Cairn's time: the median over pairs measured in turn, A B A B, at least five, after both are warm. Every
peer that reaches the accuracy gets its own pairs, and the least ratio counts: which peer is the fastest is never told from
measurements made at different times. Both sides are held to the same cores, since not every library obeys a thread variable.
Needs scripts/setup bench; installs the peers, pinned, in bench/.venv.
"""
import argparse
import datetime
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
VENV = os.path.join(HERE, ".venv")
BUILD = os.path.join(ROOT, "build", "bench")
PAGE = os.path.join(ROOT, "docs", "benchmarks.md")
BEGIN, END = "<!-- table begins -->\n", "<!-- table ends -->\n"


def set_up():
    """Peers in their own environment, Cairn's programs in a release build; then this script again, under that Python."""
    python = os.path.join(VENV, "bin", "python")
    stamp = os.path.join(VENV, "installed.txt")
    with open(os.path.join(HERE, "requirements.txt"), encoding="utf-8") as file:
        wanted = file.read()
    if not os.path.exists(stamp) or open(stamp, encoding="utf-8").read() != wanted:
        print("bench: installing the peers in bench/.venv", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", os.path.join(HERE, "requirements.txt")], check=True)
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(wanted)
    log = os.path.join(ROOT, "build", "bench.log")
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "w", encoding="utf-8") as file:
        for command in (["cmake", "--preset", "release", "-B", BUILD, "-DCAIRN_BENCH=ON", "-DCAIRN_TESTS=OFF"],
                        ["cmake", "--build", BUILD]):
            if subprocess.run(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, check=False).returncode:
                sys.exit(f"bench: the build failed; see {log}")
    if os.path.realpath(sys.prefix) != os.path.realpath(VENV):
        os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:]])


def environment(threads):
    given = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}  # peers choose their own kernels
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "TBB_NUM_THREADS"):
        given[name] = str(threads)
    return given


def on_cores(threads):
    """Run in the child before the program: no library can use more cores than the row allows."""
    cores = sorted(os.sched_getaffinity(0))[:threads]
    return lambda: os.sched_setaffinity(0, cores)


class Resident:
    """A program that stays loaded and does its work once for every line."""

    def __init__(self, command, threads):
        self.threads = threads
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        env=environment(threads), preexec_fn=on_cores(threads))

    def measure(self):
        self.process.stdin.write(f"{self.threads}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise RuntimeError(f"{' '.join(self.process.args[:3])} ended: {self.errors.read().strip()[-500:]}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Whole:
    """A program that is started anew each time; start-up and imports count."""

    def __init__(self, command, threads):
        self.command, self.threads, self.folder = command, threads, tempfile.TemporaryDirectory()
        self.count = 0

    def measure(self):
        self.count += 1
        folder = os.path.join(self.folder.name, str(self.count))
        os.mkdir(folder)
        command = [part.replace("{folder}", folder) for part in self.command]
        if os.path.basename(command[0]) == "cairn":
            command += ["--threads", str(self.threads)]
        begin = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(self.threads),
                              preexec_fn=on_cores(self.threads), check=False)
        seconds = time.perf_counter() - begin
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stdout[-500:]}")
        return {"seconds": seconds, "folder": folder}

    def close(self):
        self.folder.cleanup()


def most_accurate(answers):
    """Of a side that trains on from answer to answer the best one: reached is reached, and both sides had as many. Else the last."""
    return max(answers, key=lambda answer: answer["accuracy"]) if "accuracy" in answers[-1] else answers[-1]


def qualified_peers(row, start, threads):
    """(peers that reach the accuracy, loaded and warm, by name; why the others do not)."""
    from rows import Disagreement
    ready, refused = {}, {}
    for name, command in row.peers().items():
        family = name.split(" tol ")[0]
        if any(other.split(" tol ")[0] == family for other in ready):
            continue  # a looser tolerance of the same peer has reached the accuracy already
        program = start(command, threads)
        try:
            row.judge(most_accurate([program.measure() for _ in range(getattr(row, "warm", 2))]))
            ready[name] = program
        except (Disagreement, RuntimeError) as reason:
            refused[name] = str(reason)
            program.close()
    if not ready:
        raise RuntimeError(f"no peer reaches the accuracy: {refused}")
    return ready, refused


def measure_row(row, threads, pairs):
    start = Whole if getattr(row, "whole_process", False) else Resident
    quantity = getattr(row, "quantity", "seconds")
    load_before = os.getloadavg()[0]
    ours = start(row.cairn(os.path.join(BUILD, "bench")), threads)
    peers = {}
    try:
        answers = [ours.measure() for _ in range(getattr(row, "warm", 2))]
        accuracy = row.judge(most_accurate(answers))
        peers, refused = qualified_peers(row, start, threads)
        measured = {name: [] for name in peers}
        for _ in range(pairs):
            for name, program in peers.items():
                measured[name].append((program.measure()[quantity], ours.measure()[quantity]))
    finally:
        for program in [ours, *peers.values()]:
            program.close()
    ratios = {name: [theirs / mine for theirs, mine in both] for name, both in measured.items()}
    hardest = min(ratios, key=lambda name: statistics.median(ratios[name]))
    return {"row": row.name, "work": row.work, "threads": threads, "peer": hardest, "ratio": statistics.median(ratios[hardest]),
            "low": min(ratios[hardest]), "high": max(ratios[hardest]),
            "quantity": quantity, "peer_seconds": statistics.median(theirs for theirs, _ in measured[hardest]),
            "cairn_seconds": statistics.median(mine for _, mine in measured[hardest]),
            "ratios": ratios, "did_not_reach_accuracy": refused, "accuracy": accuracy, "floor": row.floor, "goal": row.goal,
            "load_before": load_before, "cairn_peak_memory_bytes": answers[-1].get("peak_memory_bytes")}


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        lines = file.read().splitlines()
    def told(name, otherwise):
        return next((line.split(":", 1)[1].strip() for line in lines if line.split("\t")[0].strip() == name), otherwise)
    flags = set(next((line for line in lines if line.startswith("flags")), "").split())
    # Virtual machines give one name to processors of several generations.
    processor = f"{told('model name', platform.machine())}, family {told('cpu family', '?')}, model {told('model', '?')}"
    return {"processor": processor, "cores": os.cpu_count(),
            "instruction_sets": [name for name in ("avx2", "avx512f", "amx_tile") if name in flags]}


def verdict(result):
    if result["ratio"] >= result["goal"]:
        return "goal reached"
    return "floor reached" if result["ratio"] >= result["floor"] else "**below the floor**"


def shown(result, side):
    if result.get("quantity", "seconds") != "seconds":
        return f"{result[side] / 2**20:.0f} MiB"
    return f"{result[side] * 1000:.0f} ms"


def table(results):
    lines = ["| row | work | peer | threads | peer | Cairn | ratio | lowest to highest pair | floor | goal | | accuracy | load |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for result in sorted(results, key=lambda one: (one["row"], -one["threads"])):
        lines.append(f"| {result['row']} | {result['work']} | {result['peer']} | {result['threads']} | "
                     f"{shown(result, 'peer_seconds')} | {shown(result, 'cairn_seconds')} | "
                     f"**{result['ratio']:.2f}x** | {result['low']:.2f} to {result['high']:.2f} | {result['floor']}x | {result['goal']}x | {verdict(result)} | {result['accuracy']} | "
                     f"{result['load_before']:.1f} |")
    return "\n".join(lines) + "\n"


def page_table():
    """The newest measurement of every row, under the machine and the versions of its day."""
    newest, days = {}, {}
    days_of = [name for name in os.listdir(os.path.join(HERE, "results")) if name[:1].isdigit()]  # not levels.json

    def in_time(name):
        return [int(part) for part in name.removesuffix(".json").split("-")]

    for name in sorted(days_of, key=in_time):
        with open(os.path.join(HERE, "results", name), encoding="utf-8") as file:
            days[name] = json.load(file)
        newest.update({(result["row"], result["threads"]): (name, result) for result in days[name]["results"]})
    parts = []
    for name in sorted({name for name, _ in newest.values()}, key=in_time, reverse=True):
        where, versions = days[name]["machine"], days[name]["versions"]
        parts.append(f"Measured on {days[name]['date']}: {where['processor']}, {where['cores']} cores, {', '.join(where['instruction_sets'])}; "
                     f"{', '.join(f'{name} {version}' for name, version in versions.items())}.\n\n"
                     + table([result for file, result in newest.values() if file == name]))
    return "\n".join(parts)


def write_results(results, versions):
    """One file a day and machine: rows measured again replace what it held; the page shows each row's newest measurement."""
    today = datetime.date.today().isoformat()
    folder = os.path.join(HERE, "results")
    os.makedirs(folder, exist_ok=True)
    kept = []
    for number in itertools.count(1):
        path = os.path.join(folder, today + ("" if number == 1 else f"-{number}") + ".json")
        if not os.path.exists(path):
            break
        with open(path, encoding="utf-8") as file:
            there = json.load(file)
        if there["machine"] == machine():
            kept = there["results"]
            break
    new = {(result["row"], result["threads"]) for result in results}
    everything = [result for result in kept if (result["row"], result["threads"]) not in new] + results
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"date": today, "machine": machine(), "versions": versions, "results": everything}, file, indent=1)
        file.write("\n")
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    page = text.split(BEGIN)[0] + BEGIN + page_table() + END + text.split(END)[1]
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(page)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--row", default="", help="such as T1 or T1,N0 (all parts of N0) or N0.64; default: all")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--threads", default="2,1")
    arguments = parser.parse_args()
    set_up()
    from importlib.metadata import version
    from rows import ROWS
    known = {row.name: row for row in ROWS}
    asked = [name for name in arguments.row.split(",") if name] or list(known)
    if unknown := [name for name in asked if name not in known and name not in {row.split(".")[0] for row in known}]:
        parser.error(f"there is no row '{unknown[0]}'; known: {', '.join(known)}")
    wanted = [row for row in known if row in asked or row.split(".")[0] in asked]
    results, failed = [], []
    for name in wanted:
        row = known[name]()
        for threads in map(int, arguments.threads.split(",")):
            try:
                result = measure_row(row, threads, max(5, arguments.pairs))
            except Exception as reason:  # a row that cannot be measured does not hide the others
                failed.append(f"{name} with {threads} threads: {type(reason).__name__}: {reason}")
                print(failed[-1], file=sys.stderr)
                continue
            results.append(result)
            print(f"{name} {threads} threads: {result['ratio']:.2f}x ({result['low']:.2f} to {result['high']:.2f}) of {result['peer']} "
                  f"({result['peer_seconds']:.3f} s / {result['cairn_seconds']:.3f} s), {result['accuracy']}", flush=True)
    if results:
        packages = ("numpy", "polars", "pandas", "scikit-learn", "scikit-learn-intelex", "xgboost", "lightgbm", "torch")
        print("written: " + os.path.relpath(write_results(results, {name: version(name) for name in packages}), ROOT))
        print(table(results))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
