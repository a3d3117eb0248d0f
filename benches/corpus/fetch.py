"""Fetches the corpus' free music out of Debian packages, verified by apt; nothing is installed.

    python3 benches/corpus/fetch.py -o FOLDER [--packages NAME ...] [--core]

Reads tracks.csv beside this file, downloads the packages with `apt-get download`, takes the listed
files out of them with `dpkg --fsys-tarfile`, renders tracker modules with `openmpt123` where that
program is installed, and writes FOLDER/manifest.csv (path,genre,artist,album,title,licence,package),
which `similar-tracks train` reads, and FOLDER/LICENCES.txt. Packages already unpacked are passed over, so an interrupted run
goes on where it stopped. Rows rendered from MIDI, scores or projects are left out.
"""

import argparse
import csv
import io
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

TRACKS = pathlib.Path(__file__).with_name("tracks.csv")
ARCHIVE_MEMBER = re.compile(r"(?P<archive>.*\.(?:zip|pk3))\.d/(?P<member>.*)")
MODULE_SECONDS = 300


def fail(message: str, *hints: str) -> None:
    lines = [f"error: {message}"] + [f"hint: {hint}" for hint in hints]
    sys.exit("\n".join(lines))


def rows_of(packages: list[str], core_only: bool) -> list[dict]:
    with open(TRACKS, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    unknown = set(packages) - {row["package"] for row in rows}
    if unknown:
        fail(f"{TRACKS.name} lists no package {', '.join(sorted(unknown))}")
    return [
        row
        for row in rows
        if row["how"] in ("as-is", "openmpt123")
        and (not packages or row["package"] in packages)
        and (not core_only or row["core"] == "1")
    ]


def target_of(row: dict) -> pathlib.PurePosixPath:
    """Where a track goes inside the corpus folder: PACKAGE/file name."""
    name = row["path"].rsplit("/", 1)[-1]
    if row["path"].count("/") and row["package"] == "fretsonfire-songs-muldjord":
        name = f"{row['path'].split('/')[-2]}-{name}"  # every song is called song.ogg
    return pathlib.PurePosixPath(row["package"]) / name


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


def unpack(deb: pathlib.Path, rows: list[dict], folder: pathlib.Path) -> None:
    """Writes the listed files of one package below folder."""
    wanted: dict[str, list[tuple[str | None, dict]]] = {}
    for row in rows:
        match = ARCHIVE_MEMBER.fullmatch(row["path"])
        path, member = (match["archive"], match["member"]) if match else (row["path"], None)
        wanted.setdefault(path, []).append((member, row))
    with subprocess.Popen(["dpkg", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as dpkg:
        with tarfile.open(fileobj=dpkg.stdout, mode="r|") as tar:
            for entry in tar:
                parts = wanted.pop(entry.name.removeprefix("./"), None)
                stream = tar.extractfile(entry) if parts and entry.isfile() else None
                if stream is None:
                    continue
                content = stream.read()
                for member, row in parts:
                    write_track(content, member, row, folder)
    if dpkg.returncode != 0:
        fail(f"dpkg could not unpack {deb.name}")
    for path in wanted:
        print(f"warning: {deb.name} holds no {path}", file=sys.stderr)


def write_track(content: bytes, member: str | None, row: dict, folder: pathlib.Path) -> None:
    if member is not None:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(member)
    path = folder / target_of(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    if row["how"] == "openmpt123":
        rendered = path.with_name(path.name + ".partial.wav")
        subprocess.run(
            ["openmpt123", "--batch", "--quiet", "--end-time", str(MODULE_SECONDS), "--samplerate", "44100",
             "--channels", "2", "--force", "--output", rendered, partial],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        partial.unlink()
        rendered.replace(file_of(row, folder))
    else:
        partial.replace(path)


def file_of(row: dict, folder: pathlib.Path) -> pathlib.Path:
    path = folder / target_of(row)
    return path.with_name(path.name + ".wav") if row["how"] == "openmpt123" else path


def write_lists(rows: list[dict], folder: pathlib.Path) -> int:
    """Writes manifest.csv for training and LICENCES.txt for people; the number of tracks."""
    columns = ["path", "genre", "artist", "album", "title", "licence", "package"]
    present = [row for row in rows if file_of(row, folder).exists()]
    with open(folder / "manifest.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in present:
            path = file_of(row, folder).relative_to(folder)
            writer.writerow([path.as_posix()] + [row[column] for column in columns[1:]])
    with open(folder / "LICENCES.txt", "w", encoding="utf-8") as file:
        for row in present:
            path = file_of(row, folder).relative_to(folder)
            file.write(f"{path}: {row['title']} by {row['artist']}, {row['licence']}; "
                       f"see /usr/share/doc/{row['package']}/copyright in Debian's package {row['package']}\n")  # fmt: skip
    return len(present)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True, help="folder for the tracks")
    parser.add_argument("--packages", nargs="+", default=[], help="only these packages; default: all")
    parser.add_argument("--core", action="store_true", help="only tracks with a trustworthy genre")
    options = parser.parse_args()
    for program in ("apt-get", "dpkg"):
        if shutil.which(program) is None:
            fail(f"{program} is not here: the music comes out of Debian packages",
                 "on another system use a music folder of your own")  # fmt: skip
    rows = rows_of(options.packages, options.core)
    if shutil.which("openmpt123") is None:
        modules = sum(row["how"] == "openmpt123" for row in rows)
        if modules:
            print(f"note: {modules} tracker modules left out; `apt-get install openmpt123` renders them", file=sys.stderr)
        rows = [row for row in rows if row["how"] != "openmpt123"]
    options.output.mkdir(parents=True, exist_ok=True)
    packages = sorted({row["package"] for row in rows})
    for number, package in enumerate(packages, 1):
        of_package = [row for row in rows if row["package"] == package]
        if all(file_of(row, options.output).exists() for row in of_package):
            continue
        print(f"[{number}/{len(packages)}] {package}: {len(of_package)} tracks", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=options.output) as scratch:
            deb = download(package, pathlib.Path(scratch))
            unpack(deb, of_package, options.output)
    print(f"{write_lists(rows, options.output)} tracks in {options.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
