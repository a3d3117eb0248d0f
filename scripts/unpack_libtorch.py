"""Unpacks the headers and CPU libraries of libtorch out of PyPI's wheels.

    python3 scripts/unpack_libtorch.py WHEEL_FOLDER DESTINATION
"""

import pathlib
import shutil
import sys
import zipfile

LIBRARIES = {
    "libtorch_cpu.so",
    "libc10.so",
    "libgomp.so.1",
    "libcudart.so.13",
    "libcupti.so.13",
}


def destination_of(member: str) -> str | None:
    """Where a member of a wheel goes, relative to the destination; None: it is left out."""
    if member.endswith("/"):
        return None
    if member.startswith("torch/include/"):
        return member.removeprefix("torch/")
    name = member.rsplit("/", 1)[-1]
    return f"lib/{name}" if name in LIBRARIES else None


def main() -> None:
    wheels, destination = map(pathlib.Path, sys.argv[1:])
    found = set()
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.namelist():
                target = destination_of(member)
                if target is None:
                    continue
                found.add(target)
                path = destination / target
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, open(path, "wb") as out:
                    shutil.copyfileobj(source, out, 1 << 20)
    missing = {f"lib/{name}" for name in LIBRARIES} - found
    if missing:
        sys.exit(f"error: not found in the wheels: {', '.join(sorted(missing))}")


if __name__ == "__main__":
    main()
