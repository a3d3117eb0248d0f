"""Excerpts beside the corpus: other free music, of which excerpts.csv says what it is, by whom and where it is from.

The list names a repository on GitHub and a file in it; the excerpt is 45 s of that file, as mono Ogg Vorbis at 32 kHz
under the name that the list gives it. Excerpts are learnt from like the rest but have no genre in core.csv: most of
theirs are guesses.
"""

import csv
import pathlib
import shutil

from render import Row

EXCERPTS = pathlib.Path(__file__).with_name("excerpts.csv")
SECONDS = 45.0


def rows_of(folder: pathlib.Path) -> list[Row]:
    """Those whose file is in the folder."""
    with open(EXCERPTS, newline="", encoding="utf-8") as file:
        return [row_of(row) for row in csv.DictReader(file) if (folder / row["file"]).exists()]


def row_of(row: Row) -> Row:
    """As tracks.csv has them, and its `source`; the package is the repository."""
    return {
        "package": row["source_repo"].replace("/", "-"),
        "path": row["file"],
        "how": "as-is",
        "duration_s": str(min(SECONDS, float(row["source_duration_s"]))),
        "title": row["title"],
        "artist": row["artist"],
        "album": row["album_or_repo"],
        "licence": row["licence"],
        "genre": row["genre"],
        "core": "0",
        "source": f"{row['source_path']} in https://github.com/{row['source_repo']}",
    }


def copy(folder: pathlib.Path, row: Row, target: pathlib.Path) -> None:
    """Copies an excerpt into the corpus, unless it is there."""
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        partial = target.with_suffix(".partial")
        shutil.copyfile(folder / row["path"], partial)
        partial.rename(target)
