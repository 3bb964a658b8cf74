"""Rows that could not be processed and are left out: what is kept of each."""

from batchprocess.protocol.bad_rows.bad_row import BadRow as BadRow
from batchprocess.protocol.bad_rows.bad_row import decode_bad_rows as decode_bad_rows
from batchprocess.protocol.bad_rows.bad_row import encode_bad_rows as encode_bad_rows

__all__ = ["BadRow", "decode_bad_rows", "encode_bad_rows"]
