"""Training steps in PyTorch, to be timed beside ours: the network of trainer/src/model/cnn.rs, a batch of
64 log-mel windows of 200 frames × 64 bands, a cosine classifier of 8 classes, AdamW.

    python train_steps.py --steps N --threads T --channels 32,64,96,128

Prints {"steps": N, "seconds": wall, "cpu_seconds": CPU} of the steps after 5 that warm up.
"""

import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional

BATCH, FRAMES, BANDS = 64, 200, 64
CLASSES, EMBEDDING_SIZE = 8, 128
COSINE_SCALE, LABEL_SMOOTHING = 16.0, 0.1
INPUT_CENTRE_DB, INPUT_SCALE_DB = -30.0, 15.0
WARM_UP_STEPS = 5
READY_BATCHES = 4


def conv_norm(inputs: int, outputs: int, size: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class ResidualBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = conv_norm(inputs, outputs, 3, 2)
        self.conv2 = conv_norm(outputs, outputs, 3, 1)
        self.shortcut = conv_norm(inputs, outputs, 1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.conv2(self.conv1(x).relu()) + self.shortcut(x)).relu()


class Classifier(nn.Module):
    """Encoder and cosine classifier: windows in dB, batch × frames × bands, to logits."""

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        self.stem = conv_norm(1, channels[0], 5, 2)
        pairs = zip([channels[0], *channels], channels)
        self.blocks = nn.Sequential(*(ResidualBlock(inputs, outputs) for inputs, outputs in pairs))
        self.head = nn.Linear(2 * channels[-1], EMBEDDING_SIZE, bias=False)
        self.neck = nn.BatchNorm1d(EMBEDDING_SIZE, affine=False)
        self.classes = nn.Parameter(0.1 * torch.randn(CLASSES, EMBEDDING_SIZE))

    def forward(self, log_mel: torch.Tensor) -> torch.Tensor:
        x = (log_mel - INPUT_CENTRE_DB) / INPUT_SCALE_DB
        x = self.blocks(self.stem(x.transpose(1, 2).unsqueeze(1).contiguous()).relu())
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        embeddings = functional.normalize(self.neck(self.head(pooled)))
        return COSINE_SCALE * embeddings @ functional.normalize(self.classes).T


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--channels", type=lambda text: [int(part) for part in text.split(",")], required=True)
    options = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(options.threads)
    network = Classifier(options.channels).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.05)
    log_mels = [torch.randn(BATCH, FRAMES, BANDS) * 15.0 - 30.0 for _ in range(READY_BATCHES)]
    labels = [torch.randint(CLASSES, (BATCH,)) for _ in range(READY_BATCHES)]
    wall = cpu = 0.0
    for step in range(WARM_UP_STEPS + options.steps):
        if step == WARM_UP_STEPS:
            wall, cpu = time.perf_counter(), time.process_time()
        ready = step % READY_BATCHES
        loss = functional.cross_entropy(network(log_mels[ready]), labels[ready], label_smoothing=LABEL_SMOOTHING)
        loss.item()  # training reports it
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"steps": options.steps, "seconds": seconds, "cpu_seconds": cpu_seconds}))


if __name__ == "__main__":
    main()
