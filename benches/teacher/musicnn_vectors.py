"""Runs in the virtual environment that `musicnn` makes. See there.

The networks are run here rather than by musicnn's own extractor, which in 0.1.0 repeats the penultimate values of the
first patch for all others, and overflows where it computes spectrograms in half precision.
"""

import argparse
import csv
import hashlib
import logging
import multiprocessing
import os
import pathlib
import sys
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[threads] = "1"  # a job keeps one core busy

import numpy  # noqa: E402

MODELS = {"mtt": "MTT_musicnn", "msd": "MSD_musicnn"}
NAMES = {
    "mtt": "musicnn 0.1.0, MTT_musicnn",
    "msd": "musicnn 0.1.0, MSD_musicnn",
    "both": "musicnn 0.1.0, MTT_musicnn and MSD_musicnn",
}
PATCH_SECONDS = 3
BATCH_PATCHES = 32


class Teacher:
    """Both networks, each in a session of its own."""

    def __init__(self):
        warnings.simplefilter("ignore", UserWarning)  # of what TensorFlow 2 calls deprecated
        logging.disable(logging.WARNING)  # TensorBoard is left out
        import tensorflow

        tensorflow.compat.v1.disable_eager_execution()
        import librosa
        import musicnn
        from musicnn import configuration, models

        self.librosa, self.configuration = librosa, configuration
        # As musicnn's own extractor counts the frames of a patch.
        self.frames = 1 + int(
            librosa.time_to_frames(
                PATCH_SECONDS, sr=configuration.SR, n_fft=configuration.FFT_SIZE, hop_length=configuration.FFT_HOP
            )
        )
        tf = tensorflow.compat.v1
        threads = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        self.networks = {}
        for name, folder in MODELS.items():
            graph = tensorflow.Graph()
            with graph.as_default():
                with tf.name_scope("model"):
                    patches = tf.placeholder(tensorflow.float32, [None, self.frames, configuration.N_MELS])
                    training = tf.placeholder(tensorflow.bool)
                    classes = len(configuration.MTT_LABELS if name == "mtt" else configuration.MSD_LABELS)
                    penultimate = models.define_model(patches, training, folder, classes)[-1]
                session = tf.Session(config=threads)
                weights = pathlib.Path(musicnn.__file__).parent / folder
                tf.train.Saver().restore(session, f"{weights}/")
            self.networks[name] = (session, penultimate, patches, training)

    def vectors(self, path: str, seconds: float) -> dict[str, numpy.ndarray]:
        """From a file to 200 values a network and patch."""
        settings = self.configuration
        audio, rate = self.librosa.load(path, sr=settings.SR, duration=seconds)
        power = self.librosa.feature.melspectrogram(
            y=audio, sr=rate, hop_length=settings.FFT_HOP, n_fft=settings.FFT_SIZE, n_mels=settings.N_MELS
        ).T
        log_mel = numpy.log10(10000 * power.astype(numpy.float32) + 1)
        count = max(1, len(log_mel) // self.frames)
        if len(log_mel) < self.frames:
            log_mel = numpy.resize(log_mel, (self.frames, log_mel.shape[1]))
        patches = log_mel[: count * self.frames].reshape(count, self.frames, -1)
        found = {"start_s": numpy.arange(count) * self.frames * settings.FFT_HOP / settings.SR}
        for name, (session, penultimate, place, training) in self.networks.items():
            rows = [
                session.run(penultimate, {place: patches[first : first + BATCH_PATCHES], training: False})
                for first in range(0, count, BATCH_PATCHES)
            ]
            found[name] = numpy.concatenate(rows)
        return found


TEACHER = None


def hear(task: tuple[str, pathlib.Path, float]) -> str | None:
    """Writes the vectors of one track; returns why it could not."""
    global TEACHER
    path, shard, seconds = task
    try:
        TEACHER = TEACHER or Teacher()
        partial = shard.with_suffix(".partial")
        with partial.open("wb") as file:
            numpy.savez(file, **TEACHER.vectors(path, seconds))
        partial.rename(shard)
    except Exception as error:  # one file does not stop the others
        return f"left out: {path}: {error!r}"
    return None


def unit(rows: numpy.ndarray) -> numpy.ndarray:
    return rows / numpy.maximum(numpy.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benches/teacher/musicnn")
    parser.add_argument("manifest", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=600.0, help="of a track at most")
    arguments = parser.parse_args()
    with arguments.manifest.open(newline="") as file:
        files = [str((arguments.manifest.parent / row["path"]).resolve()) for row in csv.DictReader(file)]
    shards = arguments.output / "shards"
    shards.mkdir(parents=True, exist_ok=True)
    shard = {file: shards / f"{hashlib.sha256(file.encode()).hexdigest()[:24]}.npz" for file in files}
    tasks = [(file, shard[file], arguments.seconds) for file in files if not shard[file].exists()]
    with multiprocessing.get_context("spawn").Pool(arguments.jobs) as pool:
        for done, failure in enumerate(pool.imap_unordered(hear, tasks), 1):
            if failure:
                print(failure, file=sys.stderr)
            if done % 20 == 0 or done == len(tasks):
                print(f"{done} of {len(tasks)} tracks", file=sys.stderr)
    heard = {file: numpy.load(shard[file]) for file in files if shard[file].exists()}
    if not heard:
        sys.exit("error: no track could be heard")
    for name in [*MODELS, "both"]:
        rows = [
            numpy.hstack([unit(one[part]) for part in MODELS]) if name == "both" else one[name]
            for one in heard.values()
        ]
        text = numpy.array(list(heard), dtype=str)
        windows = {"start_s": numpy.concatenate([one["start_s"] for one in heard.values()])}
        windows["files"] = numpy.repeat(text, [len(part) for part in rows])
        windows["model"] = numpy.array(NAMES[name])
        windows["emb"] = numpy.concatenate(rows).astype(numpy.float32)
        # Lists of paths shrink a hundredfold.
        numpy.savez_compressed(arguments.output / f"musicnn-{name}.npz", **windows)
    print(f"{len(heard)} tracks, {len(windows['files'])} rows, in {arguments.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
