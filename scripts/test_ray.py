#!/usr/bin/env python3
"""What scripts/test-ray runs: embedding on a Ray cluster of two nodes, while a worker, an actor and the driver are killed.

    test_ray.py PROGRAM

2,000 files, and some that are none, are each exactly once in the catalogue at last, with the vectors of a local ingest, bit
for bit.
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import wave

import numpy
from ray.cluster_utils import Cluster

FILES = 2000
RATE = 22_050
SCRIPT = pathlib.Path(__file__).with_name("ray_embed.py")
STARTED = time.monotonic()


def say(text):
    print(f"test-ray: {time.monotonic() - STARTED:5.1f} s  {text}", flush=True)


def write_library(folder):
    """Chords and noise of three to six seconds, each file another; one of silence, and two that are no audio."""
    random = numpy.random.default_rng(1)
    for number in range(FILES):
        times = numpy.arange(int(RATE * random.uniform(3, 6))) / RATE
        pitches = random.uniform(80, 4000, 5)
        sound = sum(numpy.sin(2 * numpy.pi * pitch * times) for pitch in pitches) / 10
        sound += random.normal(0, random.uniform(0.001, 0.1), len(times))
        write_wav(folder / f"{number % 20:02}" / f"{number:04}.wav", 0 if number == 7 else sound.clip(-1, 1), len(times))
    for name in ["text.mp3", "more text.flac"]:
        (folder / "00" / name).write_text("no audio at all\n")


def write_wav(path, sound, samples):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((numpy.ones(samples) * sound * 32_000).astype("<i2").tobytes())


class Run:
    """A run of ray_embed.py, whose words are kept."""

    def __init__(self, *arguments):
        command = [sys.executable, str(SCRIPT), *map(str, arguments)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self.lines, self.done = [], 0
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            if told := re.match(r"(\d+) of \d+ files", line):
                self.done = int(told[1])

    def wait_for(self, done):
        while self.done < done:
            assert self.process.poll() is None, self.told()
            time.sleep(0.05)

    def end(self):
        code = self.process.wait(300)
        self.reader.join()
        return code

    def told(self):
        return "".join(self.lines)


def workers(program):
    """Processes of workers, and the actors that started them."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "cmdline").read_bytes().startswith(f"{program}\0worker\0--model".encode()):
                found[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def actor_and_worker(program):
    while True:
        for worker, actor in workers(program).items():
            with contextlib.suppress(OSError):
                # What `ray_embed.py` itself asks for the model's name has no actor.
                if pathlib.Path(f"/proc/{actor}/cmdline").read_bytes().startswith(b"ray::"):
                    return actor, worker
        time.sleep(0.05)


def wait_until_gone(process):
    while os.path.exists(f"/proc/{process}"):
        time.sleep(0.05)


def contents(store):
    """All that a catalogue knows of files, without the numbers of tracks."""
    catalogue = sqlite3.connect(f"file:{store}/catalogue.sqlite?mode=ro", uri=True)
    tracks = catalogue.execute(
        "SELECT id, path, size_bytes, modified_ns, content_hash, title, duration_seconds, failure, failure_is_transient "
        "FROM tracks").fetchall()
    paths = {row[0]: row[1] for row in tracks}
    assert len(set(paths.values())) == len(tracks), "a file is there twice"
    of_tracks = {}
    for table, columns in [("vectors", "vector"), ("passages", "starts, vectors")]:
        for row in catalogue.execute(f"SELECT track_id, model_id, {columns} FROM {table}"):
            of_tracks.setdefault((table, paths[row[0]]), []).append(row[1:])
    return {row[1]: row[2:] for row in tracks}, of_tracks


def main():
    real_program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="test-ray-") as folder:
        folder = pathlib.Path(folder).resolve()
        # A name of its own, by which its processes are known.
        program = folder / "similar-tracks"
        program.symlink_to(real_program)
        write_library(folder / "library")
        say(f"{FILES} files are written")
        cluster = Cluster()
        node = {"num_cpus": 1, "node_ip_address": "127.0.0.1", "object_store_memory": 200 << 20}
        try:
            cluster.add_node(**node, include_dashboard=False)
            cluster.add_node(**node)
            say("two nodes of Ray are up")
            check(folder, program, cluster.address)
        finally:
            cluster.shutdown()
    say("passed")


def check(folder, program, address):
    library, shards = folder / "library", folder / "shards"
    total = FILES + 2
    arguments = ["--ray", address, "--program", program, "--model", "built-in", "--shards", shards]

    def similar_tracks(store, *words):
        return subprocess.run([program, "--store", folder / store, *words], capture_output=True, text=True)

    run = Run(*arguments, "--shard-seconds", 1, "--seconds", 2, library)
    run.wait_for(FILES // 20)
    _, worker = actor_and_worker(program)
    os.kill(worker, signal.SIGKILL)
    wait_until_gone(worker)
    say(f"killed a worker, {run.done} files are in shards")
    actor, worker = actor_and_worker(program)
    os.kill(actor, signal.SIGKILL)
    wait_until_gone(worker)
    say(f"killed an actor, and its worker has gone, {run.done} files are in shards")
    run.wait_for(FILES // 4)
    _, worker = actor_and_worker(program)
    os.kill(worker, signal.SIGSTOP)
    wait_until_gone(worker)
    say(f"stopped a worker, which was killed after two seconds, {run.done} files are in shards")
    run.wait_for(FILES // 2)
    run.process.kill()
    assert run.end() == -signal.SIGKILL
    say(f"killed the driver, {run.done} files are in shards")
    refused = similar_tracks("store", "import", shards)
    assert refused.returncode == 2 and "of the listing are in no shard" in refused.stderr, refused
    while workers(program):
        time.sleep(0.1)
    say("no worker has outlived it")

    run = Run(*arguments, library)
    assert run.end() == 0, run.told()
    resumed = int(re.match(r"(\d+) of", run.lines[0])[1])
    assert FILES // 2 <= resumed < total, run.told()
    say(f"a second run found {resumed} files and embedded the other {total - resumed}")
    run = Run(*arguments, library)
    assert run.end() == 0 and run.lines[0].startswith(f"{total} of {total} files") and len(run.lines) == 2, run.told()

    imported = similar_tracks("store", "import", shards)
    assert imported.stdout == f"{FILES - 1} added, 0 changed, 0 already there, 2 failed, 1 silent\n", imported
    again = similar_tracks("store", "import", shards)
    assert again.stdout == f"0 added, 0 changed, {total} already there\n", again
    say(f"imported: {imported.stdout.strip()}; again: {again.stdout.strip()}")

    began = time.monotonic()
    local = similar_tracks("local", "ingest", library, "--json")
    assert local.returncode == 0, local
    say(f"a local ingest took {time.monotonic() - began:.1f} s")
    (files, vectors), (local_files, local_vectors) = contents(folder / "store"), contents(folder / "local")
    assert files.keys() == local_files.keys() and len(files) == total
    for path in files:
        assert files[path] == local_files[path], (path, files[path], local_files[path])
    assert vectors == local_vectors, "vectors differ"
    count = sum(table == "vectors" for table, _ in vectors)
    assert count == FILES - 1, count
    say(f"{len(files)} files, each once; {count} vectors and their passages are those of the ingest, bit for bit")
    known = json.loads(similar_tracks("store", "ingest", library, "--json").stdout)
    assert (known["added"], known["changed"], known["music_seconds"]) == (0, 0, 0), known
    assert known["unchanged"] + known["failed_before"] == total, known
    say("an ingest after the import finds nothing to do")
    check_addresses(folder, program, address, similar_tracks)


def check_addresses(folder, program, address, similar_tracks):
    """Files that fsspec fetches; one that ends whatever worker listens to it; one that is not there at first."""
    deadly, late, listing, wrapper = (folder / name for name in ["deadly.wav", "late.wav", "listing", "wrapper"])
    deadly.write_bytes(b"ends whoever reads it")
    listing.write_bytes(f"{deadly}\n{late}\n\n".encode() + b"\xff.wav\n")
    wrapper.write_text(f"""#!/bin/sh
[ ! -e {folder}/broken ] || [ -z "$RAY_RAYLET_PID" ] || exit 1
while read -r line; do case $line in *deadly*) exit ;; esac; printf '%s\\n' "$line"; done | {program} "$@"
""")
    wrapper.chmod(0o755)
    shards = folder / "addresses"
    sources = [f"file://{folder}/library/01", listing]
    arguments = ["--ray", address, "--program", wrapper, "--shards", shards, *sources]
    (folder / "broken").touch()
    run = Run(*arguments)
    assert run.end() == 2 and "102 of 102 files are not embedded" in run.told(), run.told()
    assert "--hello: ended with 1\n" in run.told(), run.told()
    (folder / "broken").unlink()
    run = Run(*arguments)
    assert run.end() == 0, run.told()
    assert "not UTF-8" in run.told(), run.told()
    failed = sorted(line for line in run.lines if line.startswith("failed: "))
    assert len(failed) == 2 and "No such file" in failed[1], run.told()
    assert "deadly.wav: the worker that listened to this ended (code 0), twice" in failed[0], run.told()
    late.write_bytes((folder / "library/01/0001.wav").read_bytes())
    run = Run(*arguments)
    assert run.end() == 0 and run.done == FILES // 20 + 2, run.told()
    assert "deadly" not in run.told(), run.told()
    imported = similar_tracks("other", "import", shards)
    assert imported.stdout.startswith(f"{FILES // 20} added, 1 changed, "), imported
    files, vectors = contents(folder / "other")
    assert f"file://{folder}/library/01/0001.wav" in {os.fsdecode(path) for path in files}, sorted(files)[:3]
    assert len(vectors) and (shards / "listing.json").exists()
    next(shards.glob("*.parquet")).unlink()
    gone = similar_tracks("other", "import", shards)
    assert gone.returncode == 2 and "run ray_embed.py again" in gone.stderr, gone
    assert similar_tracks("other", "import", shards, "--partial").returncode == 0
    say("addresses are fetched, a file that ends every worker fails, one that was not there is tried again")


if __name__ == "__main__":
    main()
