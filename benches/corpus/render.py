"""Turns what a package holds into sound: tracker modules, MIDI, scores, projects and stems.

Every way of rendering needs programs of Debian; a track whose program is missing is left out. Sound is
kept as FLAC where ffmpeg is installed, otherwise as WAV of twice the size.
"""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import wave
from collections.abc import Callable
from typing import NamedTuple

RATE, CHANNELS, FRAME_BYTES = 44100, 2, 4
MODULE_SECONDS = 300  # modules may loop for ever
SOUND_FONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"
SUFFIXES = (".flac", ".wav")  # of what was rendered

Row = dict[str, str]


class Way(NamedTuple):
    """How one kind of row becomes sound."""

    needs: dict[str, str]  # a program, file or Python module, and the Debian package that brings it
    render: Callable[[list[pathlib.Path], pathlib.Path, float], None]  # sources into a WAV file of at most so many s


def run(*command: str | pathlib.Path, home: pathlib.Path | None = None) -> None:
    environment = os.environ | ({"HOME": str(home)} if home else {})
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL, env=environment)


def render_module(sources: list[pathlib.Path], wav: pathlib.Path, seconds: float) -> None:
    run("openmpt123", "--batch", "--quiet", "--end-time", str(MODULE_SECONDS), "--samplerate", str(RATE),
        "--channels", str(CHANNELS), "--force", "--output", wav, sources[0])  # fmt: skip


def render_midi(sources: list[pathlib.Path], wav: pathlib.Path, seconds: float) -> None:
    # Read from a pipe up to the length that tracks.csv gives: a note that no event ends sounds for ever.
    command = ["fluidsynth", "-ni", "-q", "-g", "0.6", "-r", str(RATE), "-O", "s16", "-T", "raw", "-F", "/dev/stdout"]
    command += [SOUND_FONT, sources[0]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as fluidsynth:
        samples = fluidsynth.stdout.read(round(seconds * RATE) * FRAME_BYTES)
        fluidsynth.kill()
    if not samples:
        raise subprocess.CalledProcessError(fluidsynth.returncode, command)
    with wave.open(str(wav), "wb") as sound:
        sound.setparams((CHANNELS, FRAME_BYTES // CHANNELS, RATE, 0, "NONE", ""))
        sound.writeframes(samples)


def render_project(sources: list[pathlib.Path], wav: pathlib.Path, seconds: float) -> None:
    as_root = ["--allowroot"] if os.geteuid() == 0 else []  # it refuses root otherwise
    # It writes its settings into the home folder: they go beside the source, and away with it.
    run("lmms", *as_root, "render", sources[0], "-f", "wav", "-s", str(RATE), "-o", wav, home=sources[0].parent)


def mix_stems(sources: list[pathlib.Path], wav: pathlib.Path, seconds: float) -> None:
    share = " ".join([str(1 / len(sources))] * len(sources))  # the sum of full-scale stems must not clip
    stems = f"amix=inputs={len(sources)}:duration=longest:normalize=0:weights={share}"
    inputs = [argument for source in sorted(sources) for argument in ("-i", source)]
    run("ffmpeg", "-v", "error", "-y", *inputs, "-filter_complex", stems, "-c:a", "pcm_s16le", wav)


MIDI_NEEDS = {"fluidsynth": "fluidsynth", SOUND_FONT: "fluid-soundfont-gm"}
WAYS = {
    "openmpt123": Way({"openmpt123": "openmpt123"}, render_module),
    "fluidsynth": Way(MIDI_NEEDS, render_midi),
    "music21+fluidsynth": Way(MIDI_NEEDS | {"ensurepip": "python3-venv"}, render_midi),
    "lmms": Way({"lmms": "lmms"}, render_project),
    "stems-mix": Way({"ffmpeg": "ffmpeg"}, mix_stems),
}


def is_here(need: str) -> bool:
    if need.startswith("/"):
        return pathlib.Path(need).exists()
    return shutil.which(need) is not None or importlib.util.find_spec(need) is not None


def possible(rows: list[Row]) -> list[Row]:
    """The rows that this machine can turn into sound; says what is left out and what would bring it."""
    kept = []
    missing: dict[tuple[str, str], int] = {}
    for row in rows:
        packages = [package for need, package in needs_of(row).items() if not is_here(need)]
        if not packages:
            kept.append(row)
            continue
        left_out = (row["how"], " ".join(packages))
        missing[left_out] = missing.get(left_out, 0) + 1
        if row["how"] == "stems-mix":
            kept.append(song_alone(row))
    for (how, packages), count in missing.items():
        outcome = "taken without their other stems" if how == "stems-mix" else "left out"
        print(f"note: {count} tracks ({how}) {outcome}; `apt-get install {packages}` brings them", file=sys.stderr)
    return kept


def song_alone(row: Row) -> Row:
    """What stands for a mix where it cannot be made: the stem that holds most of the song."""
    return row | {"how": "as-is"}


def needs_of(row: Row) -> dict[str, str]:
    return WAYS[row["how"]].needs if row["how"] in WAYS else {}


def instrument_of(row: Row) -> str:
    """The program that played a track; empty for a recording, also one mixed from its stems."""
    return "" if row["how"] in ("as-is", "stems-mix") else row["how"]


def score_of(row: Row) -> str:
    """The name of the MIDI file, score or project that a track is rendered from."""
    return row["path"].removeprefix("render:").removesuffix(".ogg")


def sources_of(row: Row) -> list[str]:
    """The files of a package that a track is made of, where they are there; */NAME is in any folder."""
    if row["how"] == "stems-mix":
        folder = row["path"].rpartition("/")[0]
        return [f"{folder}/{stem}.ogg" for stem in ("song", "guitar", "rhythm")]
    suffixes = {"fluidsynth": ["mid"], "lmms": ["mmp", "mmpz"]}.get(row["how"])
    return [f"*/{score_of(row)}.{suffix}" for suffix in suffixes] if suffixes else [row["path"]]


def write_track(row: Row, sources: list[pathlib.Path], target: pathlib.Path, scratch: pathlib.Path) -> None:
    """Puts a track's sound at target, or at target with a suffix where it is rendered; whole or not at all."""
    if row["how"] == "as-is":
        sources[0].replace(target)
        return
    wav = scratch / "rendered.wav"
    WAYS[row["how"]].render(sources, wav, float(row["duration_s"]))
    sound = wav
    if is_here("ffmpeg"):
        sound = scratch / "rendered.flac"
        run("ffmpeg", "-v", "error", "-y", "-i", wav, "-c:a", "flac", "-sample_fmt", "s16", "-bitexact", sound)
    sound.replace(target.with_name(target.name + sound.suffix))
