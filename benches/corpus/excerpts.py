"""A folder of excerpts beside the corpus: other free music, of which extra.csv says what it is and where it is from.

extra.csv has the columns file, artist, album_or_repo, title, licence, genre, genre_confidence, source_repo (on GitHub),
source_path and source_duration_s; the excerpts lie in clips/. They are learnt from like the rest but have no genre in
core.csv: most of theirs are guesses.
"""

import csv
import pathlib
import shutil

from render import Row

SECONDS = 45.0


def rows_of(folder: pathlib.Path) -> list[Row]:
    with open(folder / "extra.csv", newline="", encoding="utf-8") as file:
        return [row_of(row) for row in csv.DictReader(file)]


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
        shutil.copyfile(folder / "clips" / row["path"], partial)
        partial.rename(target)
