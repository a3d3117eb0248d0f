"""Writes the golden mel spectrograms that the front end's test compares with.

    python3 -m venv v && v/bin/pip install librosa==0.11.0 numpy==2.4.6
    v/bin/python audio-frontend/tests/golden/make_golden.py

For each sample rate, NAME.f32 holds frames x 64 mel band powers as little-endian float32: librosa's
melspectrogram in double precision with the front end's settings, scaled such that the sum over
bands is the mean square of the signal (see `Stft` in audio-frontend/src/stft.rs).
"""

import pathlib

import librosa
import numpy

assert librosa.__version__ == "0.11.0", librosa.__version__

BANDS, MIN_HZ, MAX_HZ = 64, 30.0, 11_000.0
FRAME_SECONDS, HOP_SECONDS = 0.04, 0.02
SECONDS = 1.0


def dice(seed: int, count: int) -> numpy.ndarray:
    """The generator of Numerical Recipes; numbers in [0, 1)."""
    values, state = numpy.empty(count), seed
    for index in range(count):
        state = (state * 1_664_525 + 1_013_904_223) % 2**32
        values[index] = state / 2**32
    return values


def signal(rate: int) -> numpy.ndarray:
    """A sweep, a tone and noise, rounded to float32."""
    time = numpy.arange(int(SECONDS * rate)) / rate
    sweep = 0.3 * numpy.sin(2 * numpy.pi * (200 * time + 4000 * time**2))
    tone = 0.2 * numpy.sin(2 * numpy.pi * 3000 * time)
    noise = 0.1 * (dice(rate, len(time)) - 0.5)
    return (sweep + tone + noise).astype(numpy.float32).astype(numpy.float64)


for rate in (22_050, 32_000, 44_100, 48_000, 96_000):
    frame, hop = round(FRAME_SECONDS * rate), round(HOP_SECONDS * rate)
    powers = librosa.feature.melspectrogram(
        y=signal(rate), sr=rate, n_fft=frame, hop_length=hop, window="hann", center=False, power=2.0,
        n_mels=BANDS, fmin=MIN_HZ, fmax=MAX_HZ, htk=False, norm=None, dtype=numpy.float64,
    )  # fmt: skip
    window = librosa.filters.get_window("hann", frame, fftbins=True)
    powers *= 2 / (frame * (window**2).sum())
    path = pathlib.Path(__file__).with_name(f"{rate}.f32")
    path.write_bytes(powers.T.astype("<f4").tobytes())
    print(path, powers.T.shape)
