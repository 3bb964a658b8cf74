"""A dataset whose rows are their own numbers."""

import torch


class Counting(torch.utils.data.Dataset):
    """Remembers which rows were read."""

    def __init__(self, rows):
        self.rows = rows
        self.read = []

    def __len__(self):
        return self.rows

    def __getitem__(self, row):
        self.read.append(row)
        return row
