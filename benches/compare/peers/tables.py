"""A peer's vectors or distances of some tracks, as `similar-tracks eval --compare` reads them; `retrieval` runs this
in the virtual environment that it makes.

    tables.py PEER OUT.npz --jobs N < LIST-OF-FILES
    tables.py distances OUT.npz < LIST-OF-FILES, AN EMPTY LINE, LINES OF DISTANCES

musly hears a minute around the middle, as its own program does; the others hear ten minutes of a track at most.
"""

import argparse
import functools
import importlib.resources
import multiprocessing
import sys
import warnings

import numpy

MAX_SECONDS = 600
MUSLY_SECONDS, MUSLY_START = 60.0, -48.0
# A track's mean over time before the heads, by its name in the network that VibeNet 0.1.0 carries.
VIBENET_POOLED = "view"


def mfcc(path: str) -> numpy.ndarray:
    """20 coefficients: mean, standard deviation, and that of their differences."""
    import librosa

    audio, rate = librosa.load(path, duration=MAX_SECONDS)
    coefficients = librosa.feature.mfcc(y=audio, sr=rate, n_mfcc=20)
    differences = librosa.feature.delta(coefficients)
    return numpy.concatenate([coefficients.mean(1), coefficients.std(1), differences.std(1)])


@functools.cache
def vibenet_session():
    import onnx
    import onnxruntime

    network = onnx.load(str(importlib.resources.files("vibenet.artifacts") / "efficientnet_model.onnx"))
    network.graph.output.append(onnx.helper.make_empty_tensor_value_info(VIBENET_POOLED))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(network.SerializeToString(), options)


def vibenet(path: str) -> numpy.ndarray:
    from vibenet import core

    audio = core.load_audio(path)[: MAX_SECONDS * core.SAMPLE_RATE]
    mel = core.extract_mel(audio, core.SAMPLE_RATE)
    return vibenet_session().run([VIBENET_POOLED], {"x": mel[numpy.newaxis]})[0].reshape(-1)


@functools.cache
def jukebox(method: str):
    import pymusly

    return pymusly.MuslyJukebox(method=method, decoder="none")


def musly(method: str, path: str) -> bytes:
    box = jukebox(method)
    return box.serialize_track(box.track_from_audiofile(path, MUSLY_SECONDS, MUSLY_START))


def standardised(rows: numpy.ndarray) -> numpy.ndarray:
    """Each number's mean 0 and deviation 1 over the tracks: loudness would be all that a cosine sees."""
    return (rows - rows.mean(0)) / numpy.maximum(rows.std(0), 1e-9)


def musly_distances(method: str, serialised: list[bytes]) -> numpy.ndarray:
    box = jukebox(method)
    tracks = [box.deserialize_track(track) for track in serialised]
    box.set_style(tracks)
    numbered = list(zip(box.add_tracks(tracks), tracks))
    return numpy.array([box.compute_similarity(query, numbered) for query in numbered], dtype=numpy.float32)


# Of each peer: what it makes of a file, and the array that all files come to.
PEERS = {
    "mfcc": (mfcc, lambda rows: {"emb": standardised(numpy.array(rows)).astype(numpy.float32)}),
    "vibenet": (vibenet, lambda rows: {"emb": numpy.array(rows, dtype=numpy.float32)}),
} | {
    f"musly-{method}": (
        functools.partial(musly, method),
        lambda rows, method=method: {"dist": musly_distances(method, rows)},
    )
    for method in ("timbre", "mandelellis")
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="tables.py")
    parser.add_argument("peer", choices=[*PEERS, "distances"])
    parser.add_argument("output")
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of how a file is decoded
    listed, _, lines = sys.stdin.read().partition("\n\n")
    files = listed.splitlines()
    if arguments.peer == "distances":
        distances = numpy.array([line.split() for line in lines.splitlines()], dtype=numpy.float32)
        numpy.savez(arguments.output, files=numpy.array(files, dtype=str), dist=distances)
        return
    hear, table = PEERS[arguments.peer]
    rows = []
    with multiprocessing.get_context("spawn").Pool(arguments.jobs) as pool:
        for row in pool.imap(hear, files):
            rows.append(row)
            if len(rows) % 20 == 0 or len(rows) == len(files):
                print(f"{arguments.peer}: {len(rows)} of {len(files)} tracks", file=sys.stderr)
    numpy.savez(arguments.output, files=numpy.array(files, dtype=str), **table(rows))


if __name__ == "__main__":
    main()
