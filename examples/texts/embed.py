"""Embeds texts of any length: one vector for each, in a table of Parquet."""

import zlib

import torch
from torch.nn.utils.rnn import pad_sequence

from batchprocess import TorchBatchProcessor
from batchprocess.data import by_length

WORDS, WIDTH = 4096, 32
PADDING, START = 0, 1


def tokenized(text):
    """A number for each word, behind one that every text has."""
    words = [2 + zlib.crc32(word.encode()) % (WORDS - 2) for word in text.lower().split()]
    return torch.tensor([START, *words])


class Encoder(torch.nn.Module):
    """Stands for a model from a hub: one layer of attention, and the mean over the words."""

    def __init__(self):
        super().__init__()
        self.words = torch.nn.Embedding(WORDS, WIDTH)
        self.layer = torch.nn.TransformerEncoderLayer(WIDTH, 4, 64, batch_first=True)

    def forward(self, tokens):
        padding = tokens == PADDING
        states = self.layer(self.words(tokens), src_key_padding_mask=padding)
        kept = (~padding).unsqueeze(2)
        return (states * kept).sum(1) / kept.sum(1)


class Embed(TorchBatchProcessor):
    """Saves a vector of 32 floats for each text, under its id."""

    def __init__(self, context):
        self.context = context
        torch.manual_seed(0)
        self.model = context.prepare_model_for_inference(Encoder())

    def process_batch(self, batch, batch_idx):
        tokens = [tokenized(text) for text in batch["text"]]
        groups = by_length([len(one) for one in tokens], budget=1024)
        found = [self.embedded([tokens[row] for row in group]) for group in groups]
        self.context.save("embeddings.parquet", {"embedding": groups.restore(found)})

    def embedded(self, texts):
        padded = pad_sequence(texts, batch_first=True, padding_value=PADDING)
        with torch.inference_mode():
            return self.model(self.context.to_device(padded))
