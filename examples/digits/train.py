"""Trains the small classifier on every second digit and writes weights.npz (a few kB)."""

import numpy as np
import torch
from inference import HERE, Digits


def main():
    torch.manual_seed(0)
    data = Digits()
    images, digits = data.images[::2], data.digits[::2]
    model = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-4)
    for _ in range(300):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), digits).backward()
        optimizer.step()
    np.savez(HERE / "weights.npz", **{k: v.numpy() for k, v in model.state_dict().items()})


if __name__ == "__main__":
    main()
