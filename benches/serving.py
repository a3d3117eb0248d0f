"""A Milvus server to measure, in a network namespace that nobody reaches from elsewhere."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "similar-tracks/compare"
PYTHON = CACHE / "milvus-2.3.5/bin/python"
PORT, METRICS_PORT = 19530, 9091
# Of a core, while nobody asks.
RESTING_SHARE, SETTLE_SECONDS = 0.3, 20
ISOLATED = "SIMILAR_TRACKS_ISOLATED"


def is_isolated() -> bool:
    return ISOLATED in os.environ


def isolate() -> None:
    """Becomes a process that nobody reaches from elsewhere; goes no further where there is no server to start."""
    if not (PYTHON.parent.parent / "complete").exists():
        sys.exit("error: no Milvus server\nhint: scripts/setup --milvus fetches one")
    if is_isolated():
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    os.environ[ISOLATED] = "1"
    os.execvp("unshare", ["unshare", "-rn", sys.executable, *sys.argv])


def bytes_under(folder: pathlib.Path) -> int:
    """Of files that take less room than they are long, what they take; some may go meanwhile."""
    blocks = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            blocks += path.stat().st_blocks if path.is_file() else 0
    return 512 * blocks


class MilvusServer:
    """A Milvus server with an empty folder."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with open(folder / "log", "wb") as log:
            command = [PYTHON, ROOT / "scripts/milvus_server.py", folder / "data", str(PORT), str(METRICS_PORT)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        begun = time.monotonic()
        while not self.is_well():
            if self.process.poll() is not None or time.monotonic() - begun > 180:
                sys.exit(f"error: the Milvus server does not come up: {folder / 'log'}")
            time.sleep(0.5)
        self.empty_mib = self.memory_mib()
        self.empty_bytes = self.disk_bytes()

    def is_well(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{METRICS_PORT}/healthz", timeout=2) as answer:
                return answer.read() == b"OK"
        except OSError:
            return False

    def memory_mib(self) -> int:
        lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))

    def processor_seconds(self) -> float:
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def disk_bytes(self) -> int:
        return bytes_under(self.folder / "data")

    def settle(self) -> dict:
        """Waits until it has come to rest: what it has taken in, it compacts for a while, and builds indexes of."""
        begun, before = time.monotonic(), self.processor_seconds()
        lately = before
        while True:
            time.sleep(SETTLE_SECONDS)
            now = self.processor_seconds()
            if now - lately < RESTING_SHARE * SETTLE_SECONDS:
                return {"seconds": time.monotonic() - begun, "server_processor_seconds": now - before}
            lately = now

    def end(self) -> None:
        # It takes half a minute to end by itself.
        self.process.kill()
        self.process.wait()
