"""Scores of the music21 corpus, which its wheel carries, written as MIDI files.

music21 runs in a virtual environment in the cache folder, every wheel pinned by its hash.
"""

import os
import pathlib
import subprocess
import sys

VERSION = "10.5.1"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "similar-tracks/corpus"

# music21 and what it imports when it writes MIDI; NumPy and matplotlib are for its other uses. All are
# wheels of pure Python: one hash each holds on every machine.
WHEELS = f"""
music21=={VERSION} --hash=sha256:dc3309498c4c95cebdf8d4f20c868deb6b63bce1d929cad4f51a7ccc982987b1
certifi==2026.10.19.post1 --hash=sha256:1324c476b4811eff41a8bc2122cd0bbd4d9c7234c725446d99ab1612b3a7fdd2
charset-normalizer==3.5.2 --hash=sha256:b6b751274acb69d77b3323d6b7dbaa3c7fdfc1eb829b7eb61d262f32e1af9685
idna==3.20 --hash=sha256:ab7ae7122974553370f0bdb919e1a960b2cd1bc1ef0276416d896db81c14582c
joblib==1.6.0 --hash=sha256:3dbbf9f6e4b592a2357b854608e980fe6390d131d7a82f011a377ef2ebef7aba
jsonpickle==4.1.4 --hash=sha256:c46024ba4acd8adb9a8b8485d074e141cbfacafe334c2aa982e5b32efabc2f0e
more-itertools==11.2.1 --hash=sha256:35a7377edd1dd6608dcb2cdf534ded55ea32d49448875ad042cd3f879fb1ded0
requests==2.34.2 --hash=sha256:2a0d60c172f83ac6ab31e4554906c0f3b3588d37b5cb939b1c061f4907e278e0
urllib3==2.8.0 --hash=sha256:0cf3cae568d36aa9576b28dfb35f11328f1cb974ca7647d9475ebb86c75ac6e3
webcolors==25.10.0 --hash=sha256:032c727334856fc0b968f63daa252a1ac93d33db2f5267756623c210e57a4f1d
"""

# COMPOSER__FOLDER_FILE names a score; FOLDER is the composer's own where a work has one file.
WRITE_MIDI = """
import sys
from music21 import corpus
composer, score = sys.argv[1].split("__")
paths = [path for path in sorted(corpus.getComposer(composer)) if f"{path.parent.name}_{path.stem}" == score]
corpus.parse(paths[0]).write("midi", sys.argv[2])
"""


def environment() -> pathlib.Path:
    """The Python of the virtual environment, made on first use."""
    folder = CACHE / f"music21-{VERSION}"
    python = folder / "bin/python"
    if not (folder / "complete").exists():
        print(f"fetching music21 {VERSION} (22 MB, verified by sha256) into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pins = folder / "wheels.txt"
        pins.write_text(WHEELS)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--only-binary=:all:", "--require-hashes", "-r", pins], check=True)
        (folder / "complete").touch()
    return python


def write_midi(python: pathlib.Path, name: str, folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes a score as NAME.mid into folder; its file, or none where there is no such score."""
    path = folder / f"{name}.mid"
    pickles = {"TMPDIR": str(folder)}  # music21 keeps what it has parsed there
    command = [python, "-W", "ignore", "-c", WRITE_MIDI, name, path]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, env=os.environ | pickles)
    return [path] if done.returncode == 0 else []
