"""Classifies scikit-learn's 1,797 scanned digits; keeps each row's prediction, and the accuracy."""

import json
import pathlib

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.utils.data import Dataset

from batchprocess import MetricReducer, TorchBatchProcessor

HERE = pathlib.Path(__file__).parent


class Digits(Dataset):
    """Rows of (row number, image of 8x8 floats from 0 to 1, true digit)."""

    def __init__(self):
        scans = load_digits()
        self.images = torch.tensor(scans.images, dtype=torch.float32) / 16
        self.digits = torch.tensor(scans.target)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, row):
        return row, self.images[row], self.digits[row]


def dataset():
    """What job.yaml names."""
    return Digits()


def get_model():
    """A small classifier with the weights that train.py wrote."""
    model = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
    )
    with np.load(HERE / "weights.npz", allow_pickle=False) as weights:
        model.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights.files})
    return model


class Accuracy(MetricReducer):
    """Right and all, added up exactly over all shards and attempts."""

    def reset(self):
        self.right = self.all = 0

    def update(self, right, count):
        self.right += right
        self.all += count

    def per_slot_reduce(self):
        return self.right, self.all

    def cross_slot_reduce(self, per_slot_metrics):
        right, count = (sum(column) for column in zip(*per_slot_metrics, strict=True))
        return round(right / count, 4)


class InferenceProcessor(TorchBatchProcessor):
    """Writes one JSON line a row at every checkpoint."""

    def __init__(self, context):
        self.context = context
        self.model = context.prepare_model_for_inference(get_model())
        self.accuracy = context.wrap_reducer(Accuracy(), name="accuracy")
        self.lines = []

    def process_batch(self, batch, batch_idx):
        rows, images, digits = batch
        with torch.no_grad():
            predicted = self.model(self.context.to_device(images)).argmax(dim=1).cpu()
        self.accuracy.update(int((predicted == digits).sum()), len(digits))
        for row, digit in zip(rows.tolist(), predicted.tolist(), strict=True):
            self.lines.append(json.dumps({"row": row, "digit": digit}))

    def on_checkpoint_start(self):
        with self.context.upload_path() as path:
            pathlib.Path(path, "predictions.jsonl").write_text("\n".join(self.lines) + "\n")
        self.lines = []
