"""Datasets over files, on a disk or in a bucket: lines, records, samples or whole files are rows.

Each is a map-style dataset for `torch_batch_process` and for any DataLoader.
"""

from batchprocess.data.concatenated import concat as concat
from batchprocess.data.csv_rows import csv as csv
from batchprocess.data.file_rows import files as files
from batchprocess.data.huggingface_rows import huggingface as huggingface
from batchprocess.data.length_groups import by_length as by_length
from batchprocess.data.line_rows import jsonl as jsonl
from batchprocess.data.line_rows import text as text
from batchprocess.data.parquet_rows import parquet as parquet
from batchprocess.data.tar_rows import tar as tar

__all__ = ["by_length", "concat", "csv", "files", "huggingface", "jsonl", "parquet", "tar", "text"]
