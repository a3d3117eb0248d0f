"""Runs in the virtual environment that `musicnn` makes. See there.

The networks are run here rather than by musicnn's own extractor, which in 0.1.0 repeats the penultimate values of the
first patch for all others, and overflows where it computes spectrograms in half precision.
"""

import functools
import logging
import os
import pathlib
import sys
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[threads] = "1"  # a job keeps one core busy
sys.dont_write_bytecode = True

import numpy  # noqa: E402

import table  # noqa: E402

MODELS = {"mtt": "MTT_musicnn", "msd": "MSD_musicnn"}
NAMES = {
    "mtt": "musicnn 0.1.0, MTT_musicnn",
    "msd": "musicnn 0.1.0, MSD_musicnn",
    "both": "musicnn 0.1.0, MTT_musicnn and MSD_musicnn",
}
PATCH_SECONDS = 3
BATCH_PATCHES = 32


class Teacher:
    """The networks, each in a session of its own."""

    def __init__(self, networks: tuple[str, ...], every: int):
        warnings.simplefilter("ignore", UserWarning)  # of what TensorFlow 2 calls deprecated
        logging.disable(logging.WARNING)  # TensorBoard is left out
        import tensorflow

        tensorflow.compat.v1.disable_eager_execution()
        import librosa
        import musicnn
        from musicnn import configuration, models

        self.every, self.librosa, self.configuration = every, librosa, configuration
        # As musicnn's own extractor counts the frames of a patch.
        self.frames = 1 + int(
            librosa.time_to_frames(
                PATCH_SECONDS, sr=configuration.SR, n_fft=configuration.FFT_SIZE, hop_length=configuration.FFT_HOP
            )
        )
        tf = tensorflow.compat.v1
        threads = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        self.networks = {}
        for name in networks:
            folder = MODELS[name]
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
        patches = log_mel[: count * self.frames].reshape(count, self.frames, -1)[:: self.every]
        found = {"start_s": numpy.arange(count)[:: self.every] * self.frames * settings.FFT_HOP / settings.SR}
        for name, (session, penultimate, place, training) in self.networks.items():
            rows = [
                session.run(penultimate, {place: patches[first : first + BATCH_PATCHES], training: False})
                for first in range(0, len(patches), BATCH_PATCHES)
            ]
            found[name] = numpy.concatenate(rows)
        return found


def unit(rows: numpy.ndarray) -> numpy.ndarray:
    return rows / numpy.maximum(numpy.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def main() -> None:
    parser = table.arguments_of("benches/teacher/musicnn")
    parser.add_argument("--networks", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--every", type=int, default=1, help="2: hear every second patch, in half the time")
    arguments = parser.parse_args()
    networks, every = tuple(sorted(set(arguments.networks))), arguments.every
    heard = table.heard(arguments, functools.partial(Teacher, networks, every), f"{'-'.join(networks)}-{every}")
    for name in networks:
        rows = [one[name] for one in heard.values()]
        table.write(arguments.output / f"musicnn-{name}.npz", NAMES[name], heard, rows)
    if set(networks) == set(MODELS):
        rows = [numpy.hstack([unit(one[name]) for name in MODELS]) for one in heard.values()]
        table.write(arguments.output / "musicnn-both.npz", NAMES["both"], heard, rows)


if __name__ == "__main__":
    main()
