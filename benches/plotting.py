"""A Python that has matplotlib, from PyPI, in a virtual environment in a cache folder."""

import os
import pathlib
import subprocess
import sys

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "similar-tracks/compare"
REQUIREMENTS = ["matplotlib==3.10.8"]


def become_one_that_plots() -> None:
    folder = CACHE / "matplotlib-3.10.8"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *REQUIREMENTS], check=True)
        (folder / "complete").touch()
    if pathlib.Path(sys.prefix) != folder:
        os.execv(folder / "bin/python", [folder / "bin/python", *sys.argv])
