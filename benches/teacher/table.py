"""What the programs of this folder share: tracks heard one by one, several at once, resumably, into a table."""

import argparse
import csv
import hashlib
import multiprocessing
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "similar-tracks/teacher"


def environment(name: str, requirements: str, size: str) -> pathlib.Path:
    """A Python that has what is listed in a file beside this one; made where there is none."""
    folder = CACHE / name
    python = folder / "bin/python"
    if not (folder / "complete").exists():
        interpreter = os.environ.get("PYTHON_3_11", "python3.11")
        print(f"fetching {name} into {folder} ({size})", file=sys.stderr)
        try:
            subprocess.run([interpreter, "-m", "venv", "--clear", folder], check=True)
        except FileNotFoundError:
            sys.exit("error: Python 3.11 is needed\nhint: name it in PYTHON_3_11")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--requirement", HERE / requirements], check=True)
        (folder / "complete").touch()
    return python


def become(python: pathlib.Path, program: str, text: str) -> None:
    """Goes on as another program of this folder, unless help is asked for."""
    if {"-h", "--help"} & set(sys.argv):
        print(text)
        sys.exit()
    os.execv(python, [python, HERE / program, *sys.argv[1:]])


def arguments_of(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("manifest", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=600.0, help="of a track at most")
    return parser


class Task(NamedTuple):
    make: Callable  # a teacher, once a process
    path: str
    seconds: float
    shard: pathlib.Path


TEACHER = None


def hear(task: Task) -> str | None:
    """Writes the arrays of one track; returns why it could not."""
    import numpy

    global TEACHER
    try:
        TEACHER = TEACHER or task.make()
        partial = task.shard.with_suffix(".partial")
        with partial.open("wb") as file:
            numpy.savez(file, **TEACHER.vectors(task.path, task.seconds))
        partial.rename(task.shard)
    except Exception as error:  # one file does not stop the others
        return f"left out: {task.path}: {error!r}"
    return None


def heard(arguments: argparse.Namespace, make: Callable, kind: str) -> dict[str, dict]:
    """What the teacher that `make` makes says of each file of the manifest, kept in shards of its kind and length."""
    import numpy

    with arguments.manifest.open(newline="") as file:
        files = [str((arguments.manifest.parent / row["path"]).resolve()) for row in csv.DictReader(file)]
    shards = arguments.output / "shards" / f"{kind}-{arguments.seconds:g}"
    shards.mkdir(parents=True, exist_ok=True)
    shard = {file: shards / f"{hashlib.sha256(file.encode()).hexdigest()[:24]}.npz" for file in files}
    tasks = [Task(make, file, arguments.seconds, shard[file]) for file in files if not shard[file].exists()]
    with multiprocessing.get_context("spawn").Pool(arguments.jobs) as pool:
        for done, failure in enumerate(pool.imap_unordered(hear, tasks), 1):
            if failure:
                print(failure, file=sys.stderr)
            if done % 20 == 0 or done == len(tasks):
                print(f"{done} of {len(tasks)} tracks", file=sys.stderr)
    found = {}
    for file in files:
        if shard[file].exists():
            with numpy.load(shard[file]) as arrays:
                found[file] = dict(arrays)
    if not found:
        sys.exit("error: no track could be heard")
    return found


def write(path: pathlib.Path, model: str, of_file: dict[str, dict], rows: list) -> None:
    """A table of passages, as `similar-tracks train --teacher` reads it; `rows` are those of each file."""
    import numpy

    files = numpy.repeat(numpy.array(list(of_file), dtype=str), [len(part) for part in rows])
    starts = numpy.concatenate([one["start_s"] for one in of_file.values()])
    vectors = numpy.concatenate(rows).astype(numpy.float32)
    # Lists of paths shrink a hundredfold.
    numpy.savez_compressed(path, start_s=starts, files=files, model=numpy.array(model), emb=vectors)
    print(f"{len(of_file)} tracks, {len(files)} rows, in {path}", file=sys.stderr)
