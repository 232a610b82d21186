"""What every row of the bench table uses: where data and peers stand, data made once, and the judge's refusal."""
import os

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data")
PYTHON = os.path.join(HERE, ".venv", "bin", "python")


class Disagreement(Exception):
    pass


def peer(script, *arguments):
    return [PYTHON, os.path.join(HERE, "peers", script), *arguments]


def need(path, write):
    """Makes a data file once; a stopped run leaves no half of it."""
    path = os.path.join(DATA, path)
    if not os.path.exists(path):
        os.makedirs(DATA, exist_ok=True)
        write(path + ".part")
        os.replace(path + ".part", path)
    return path
