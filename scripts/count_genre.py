"""Counts how many of the tracks on standard input have the genre of a song.

    similar-tracks query SONG --format paths | python3 scripts/count_genre.py MANIFEST SONG
"""

import csv
import pathlib
import sys


def main() -> None:
    manifest, song = map(pathlib.Path, sys.argv[1:])
    with open(manifest, newline="", encoding="utf-8") as file:
        genre_of = {(manifest.parent / row["path"]).resolve(): row["genre"] for row in csv.DictReader(file)}
    wanted = genre_of[song.resolve()]
    genres = [genre_of[pathlib.Path(line.rstrip("\n")).resolve()] for line in sys.stdin]
    total = sum(genre == wanted for genre in genre_of.values()) - 1
    print(f"{genres.count(wanted)} of {len(genres)} are {wanted}, as the query is; the library has {total} more of "
          f"its {len(genre_of)} tracks, which the model has heard, and was told no genre of")  # fmt: skip


if __name__ == "__main__":
    main()
