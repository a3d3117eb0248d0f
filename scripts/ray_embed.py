#!/usr/bin/env python3
"""Embeds a listing of audio files on a Ray cluster, into Parquet shards that `similar-tracks import` takes in.

    ray_embed.py --ray auto --program /usr/local/bin/similar-tracks --model built-in --shards shards/ LISTING|FOLDER...

Each CPU of the cluster has a `similar-tracks worker`, a process that holds the model. Killed at any moment, the same
command goes on where it was: what is in the shards is not embedded again. How it works, and what happens when something
dies: docs/ray.md.
"""
import argparse
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is told what is done here

import fsspec
import pyarrow
import pyarrow.parquet
import ray

numbers = pyarrow.list_(pyarrow.float32())
# What `import` reads: cli/src/exchange/parquet.rs.
SCHEMA = pyarrow.schema(
    [
        pyarrow.field("path", pyarrow.string(), nullable=False),
        ("size_bytes", pyarrow.int64()),
        ("modified_ns", pyarrow.int64()),
        ("content_hash", pyarrow.binary(32)),
        ("artist", pyarrow.string()),
        ("title", pyarrow.string()),
        ("album", pyarrow.string()),
        ("genre", pyarrow.string()),
        ("year", pyarrow.int32()),
        ("duration_seconds", pyarrow.float64()),
        ("embedding", numbers),
        ("passage_seconds", numbers),
        ("passage_embeddings", numbers),
        ("error", pyarrow.string()),
        ("is_transient", pyarrow.bool_()),
        ("is_silent", pyarrow.bool_()),
    ]
)
MODEL_FILES = ["card.toml", "encoder.safetensors"]
LISTING = "listing.json"
SHARD_FILES = 4096  # in a shard at most: a hundred megabytes or so
BLOCK_FILES = 32  # what is begun anew where an actor dies


def say(text):
    print(text, file=sys.stderr, flush=True)


def fail(error, hint):
    say(f"error: {error}\nhint: {hint}")
    sys.exit(2)


class WorkerEnded(Exception):
    """The worker is gone, and no row has come of the file."""


class NodeUnfit(Exception):
    """A node cannot embed at all."""


class Worker:
    """A `similar-tracks worker`: a path in, a row out."""

    def __init__(self, program, model, coverage):
        command = [program, "worker", "--model", model, "--coverage", coverage, "--hello"]
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            raise NodeUnfit(error) from error
        line = self.process.stdout.readline()
        if not line:
            raise NodeUnfit(f"{' '.join(command)}: ended with {self.process.wait()}")
        self.introduction = json.loads(line)

    def ask(self, path, seconds):
        timer = threading.Timer(seconds, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write(json.dumps({"path": path}).encode() + b"\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = b""
        finally:
            timer.cancel()
        if not line.endswith(b"\n"):
            raise WorkerEnded(f"code {self.process.wait()}")
        return json.loads(line)

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait()


class Embedder:
    """An actor of Ray's: keeps a worker, and starts another where it has died."""

    def __init__(self, program, model, coverage, model_id, seconds):
        self.program, self.coverage, self.model_id, self.seconds = program, coverage, model_id, seconds
        self.worker, self.folder, self.model = None, None, model
        if isinstance(model, dict):  # a folder's files: a node need not see the folder
            self.folder = tempfile.TemporaryDirectory(prefix="similar-tracks-model-")
            self.model = self.folder.name
            for name, content in model.items():
                pathlib.Path(self.model, name).write_bytes(content)

    def __call__(self, table):
        rows = [columns(path, self.row(path)) for path in table["path"].to_pylist()]
        return pyarrow.Table.from_pylist(rows, schema=SCHEMA)

    def row(self, path):
        with contextlib.ExitStack() as stack:
            try:
                file, stamp = stack.enter_context(local_copy(path))
            except Exception as error:  # whatever a file system may raise
                return {"error": f"cannot be fetched: {error}", "is_transient": True}
            return {**self.hear(file), **stamp}

    def hear(self, file):
        """A file that ends its worker twice is at fault itself; once, it may have been somebody else."""
        for _ in range(2):
            worker = self.started()
            try:
                return worker.ask(file, self.seconds)
            except WorkerEnded as ended:
                self.worker, reason = None, f"the worker that listened to this ended ({ended}), twice"
        # As it was found: whoever lists it again need not try it again.
        return {"error": reason, "is_transient": False, **stamp_of(file)}

    def started(self):
        if self.worker is None:
            self.worker = Worker(self.program, self.model, self.coverage)
            found = self.worker.introduction["model"]
            if found != self.model_id:
                raise NodeUnfit(f"{self.program} on this node has the model {found}, not {self.model_id}")
        return self.worker


def stamp_of(file):
    try:
        state = os.stat(file)
    except OSError:
        return {}
    return {"size_bytes": state.st_size, "modified_ns": state.st_mtime_ns}


@contextlib.contextmanager
def local_copy(path):
    """The file that a path or an address means, and what its row says otherwise than that file's own."""
    if "://" not in path:
        yield path, {}
        return
    system, inner = fsspec.core.url_to_fs(path)
    info = system.info(inner)
    changed = next((info[key] for key in ("LastModified", "last_modified", "mtime") if info.get(key)), 0)
    changed = changed.timestamp() if hasattr(changed, "timestamp") else changed
    stamp = {"size_bytes": info["size"], "modified_ns": int(changed * 1e9) if isinstance(changed, (int, float)) else 0}
    # Formats are told by the ends of names.
    with tempfile.NamedTemporaryFile(suffix=os.path.splitext(inner)[1]) as copy:
        with system.open(inner, "rb") as source:
            shutil.copyfileobj(source, copy, 1 << 20)
        copy.flush()
        yield copy.name, stamp


def columns(path, row):
    passages = row.get("passages", [])
    return {
        **{name: row.get(name) for name in SCHEMA.names},
        "path": path,
        "size_bytes": row.get("size_bytes", 0),
        "modified_ns": row.get("modified_ns", 0),
        "content_hash": bytes.fromhex(row["hash"]) if row.get("hash") else None,
        "embedding": row.get("vector", []),
        "passage_seconds": [passage["start_seconds"] for passage in passages],
        "passage_embeddings": [value for passage in passages for value in passage["vector"]],
    }


def listed(sources, program, extensions):
    """Paths and addresses with their stamps; None: whatever lies there."""
    files = {}
    for source in sources:
        if "://" in source:
            system, inner = fsspec.core.url_to_fs(source)
            for found in system.find(inner):
                if os.path.splitext(found)[1][1:].lower() in extensions:
                    files[system.unstrip_protocol(found)] = None
        elif os.path.isdir(source):
            # As `ingest` finds them, so that it knows them again.
            lines = subprocess.run([program, "worker", "--list", source], stdout=subprocess.PIPE, check=True).stdout
            files.update(filter(None, map(listing_line, lines.splitlines())))
        else:
            with open(source, "rb") as lines:
                files.update(filter(None, map(listing_line, lines)))
    return files


def listing_line(line):
    """A path with its stamp; nothing where the line is empty, or no text, as which Parquet keeps paths."""
    try:
        text = line.rstrip(b"\r\n").decode()
    except UnicodeDecodeError:
        say(f"warning: {line!r} is passed over: not UTF-8")
        return None
    if not text:
        return None
    try:
        row = json.loads(text)
        path, stamp = row["path"], (row.get("size_bytes"), row.get("modified_ns"))
        return path, stamp if None not in stamp else None
    except (ValueError, TypeError, KeyError, AttributeError):
        pass  # no object with a path: a path, as `worker` has it
    if "://" in text:
        return text, None
    path = os.path.realpath(text)
    try:
        state = os.stat(path)
    except OSError:
        return path, None  # a node may see what this machine does not
    return path, (state.st_size, state.st_mtime_ns)


class Shards:
    """A folder of Parquet files that are whole or not there, and the listing that they are to hold."""

    def __init__(self, folder, model_id):
        self.folder, self.model_id = pathlib.Path(folder), model_id
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = open(self.folder / ".lock", "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail(f"another ray_embed.py is writing to {folder}", "wait until it has ended, or end it")
        self.rows, self.known = {}, {}
        for partial in self.folder.glob(".*.partial"):
            partial.unlink()
        for shard in sorted(self.folder.glob("*.parquet")):
            self.read(shard)

    def read(self, shard):
        try:
            table = pyarrow.parquet.read_table(shard, columns=["path", "size_bytes", "modified_ns", "is_transient"])
        except (OSError, pyarrow.ArrowException) as error:
            say(f"warning: {shard}: {error}: its files are embedded again")
            shard.rename(shard.with_suffix(".damaged"))
            return
        model = (table.schema.metadata or {}).get(b"model", b"").decode()
        if model != self.model_id:
            fail(f"{shard} is of the model {model}, not {self.model_id}", "name another folder with --shards")
        self.rows[shard.name] = len(table)
        for row in table.to_pylist():
            self.known[row["path"]] = ((row["size_bytes"], row["modified_ns"]), row["is_transient"])

    def lack(self, path, stamp):
        """Whether a file is yet to be embedded: it is new, it has changed, or what went wrong with it may have passed."""
        known, is_transient = self.known.get(path, (None, False))
        return known is None or bool(is_transient) or stamp not in (None, known)

    def write(self, tables):
        table = pyarrow.concat_tables(tables).select(SCHEMA.names).cast(SCHEMA)
        # Names in the order of time: of two rows of a file `import` reads the later one last.
        name = f"shard-{time.time_ns()}.parquet"
        with self.replaced(name) as partial:
            pyarrow.parquet.write_table(table.replace_schema_metadata({"model": self.model_id}), partial)
        self.rows[name] = len(table)

    def note(self, files, done):
        listing = {"format_version": 1, "model": self.model_id, "files": files, "done": done, "shards": self.rows}
        with self.replaced(LISTING) as partial:
            partial.write_text(json.dumps(listing, indent=1) + "\n")

    @contextlib.contextmanager
    def replaced(self, name):
        partial = self.folder / f".{name}.partial"
        yield partial
        with open(partial, "rb") as file:
            os.fsync(file.fileno())
        partial.rename(self.folder / name)
        folder = os.open(self.folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def connect(arguments):
    if arguments.ray == "local":
        # The address that it would choose by itself need not answer.
        ray.init(
            address="local", num_cpus=arguments.workers, include_dashboard=False, _node_ip_address="127.0.0.1"
        )
        return
    try:
        ray.init(address=arguments.ray)
    except ConnectionError as error:
        fail(f"no Ray cluster answers at {arguments.ray}: {error}", "`ray start --head` starts one; or --ray local")


def embedded(paths, arguments, model, model_id):
    """A table of rows after the other, in whatever order they are done."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    workers = arguments.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    # Not so many at once that a worker has nothing to do while the last ones are embedded.
    block = max(1, min(BLOCK_FILES, len(paths) // (4 * workers)))
    listing = ray.data.from_items([{"path": path} for path in paths], override_num_blocks=-(-len(paths) // block))
    rows = listing.map_batches(
        Embedder,
        fn_constructor_args=(arguments.program, model, arguments.coverage, model_id, arguments.seconds),
        compute=ray.data.ActorPoolStrategy(size=workers),
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=1,
    )
    return rows.iter_batches(batch_size=None, batch_format="pyarrow")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ray", default="local", help="a cluster's address, auto, or local: on this machine alone")
    parser.add_argument("--program", default="similar-tracks", help="the program, at this path on every node")
    parser.add_argument("--model", default="built-in", help="a model's folder, or built-in")
    parser.add_argument("--coverage", default="spread", choices=["spread", "full"], help="as of `ingest`")
    parser.add_argument("--shards", required=True, help="folder to write to")
    parser.add_argument("--workers", type=int, help="workers at once; else as many as the cluster has CPUs")
    parser.add_argument("--seconds", type=float, default=600, help="time for a file at most")
    parser.add_argument("--shard-seconds", type=float, default=30, help="what a kill costs at most")
    parser.add_argument("sources", nargs="+", metavar="LISTING|FOLDER|ADDRESS", help="files with a path or address a "
                        "line, or folders, also addresses of them that fsspec knows, as s3://bucket/music")
    arguments = parser.parse_args()
    program = shutil.which(arguments.program)
    if not program:
        fail(f"{arguments.program}: no such program", "name it with --program")
    arguments.program = os.path.abspath(program)  # the nodes work in folders of their own
    try:
        worker = Worker(arguments.program, arguments.model, arguments.coverage)
    except NodeUnfit as error:
        fail(error, "the model has to be a folder that `similar-tracks train` wrote, or built-in")
    worker.end()
    model_id, extensions = worker.introduction["model"], set(worker.introduction["extensions"])
    shards = Shards(arguments.shards, model_id)
    try:
        files = listed(arguments.sources, arguments.program, extensions)
    except (OSError, subprocess.CalledProcessError) as error:
        fail(error, "name files with a path a line, or folders of music")
    lacking = {path for path, stamp in files.items() if shards.lack(path, stamp)}
    total = len(files)
    if not total:
        fail("no audio files there", "name files with a path a line, or folders of music")
    shards.note(total, total - len(lacking))
    say(f"{total - len(lacking)} of {total} files are in {shards.folder} already")
    if lacking:
        embed(shards, lacking, total, arguments, model_id)
    say(f"all {total} files are there: similar-tracks import {shards.folder}")


def embed(shards, lacking, total, arguments, model_id):
    model = arguments.model
    if model != "built-in":
        model = {name: pathlib.Path(model, name).read_bytes() for name in MODEL_FILES}
    connect(arguments)
    tables, failed, written, stopped = [], 0, time.monotonic(), None

    def write():
        nonlocal tables, written
        shards.write(tables)
        tables, written = [], time.monotonic()
        say(f"{total - len(lacking)} of {total} files, {failed} failed")

    try:
        for table in embedded(sorted(lacking), arguments, model, model_id):
            tables.append(table)
            for row in table.select(["path", "error"]).to_pylist():
                lacking.discard(row["path"])
                if row["error"] is not None:
                    failed += 1
                    say(f"failed: {row['path']}: {row['error']}")
            if sum(map(len, tables)) >= SHARD_FILES or time.monotonic() - written >= arguments.shard_seconds:
                write()
    except ray.exceptions.RayError as error:
        # Of what an actor raised, Ray hands on the text alone.
        stopped = str(error).rpartition("NodeUnfit: ")[2].strip().partition("\n")[0]
    if tables:
        write()
    shards.note(total, total - len(lacking))
    if lacking:
        reason = f"{len(lacking)} of {total} files are not embedded" + (f": {stopped}" if stopped else "")
        fail(reason, "mend that and run the same command again: what is in shards is kept")


if __name__ == "__main__":
    main()
