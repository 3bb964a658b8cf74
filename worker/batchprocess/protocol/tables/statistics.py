"""What a record tells of a table's file, so that readers may leave whole files out."""

from pydantic import BaseModel, ConfigDict, Field

from batchprocess.protocol.json_values import Count

MAX_STATISTICS_BYTES = 16 << 10
"""Of all files of one record: beyond it files are named without."""
MAX_STATISTICS_COLUMNS = 32
"""Of a file, its first ones: what comes behind is rarely asked for."""


class FileStatistics(BaseModel):
    """Of the file's rows; `nulls`, `least` and `greatest` by column, of some columns only.

    The last two of integers from -(2**53 - 1) to 2**53 - 1, and of finite floats, without a NaN
    among them: all readers of JSON keep these.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    rows: Count
    nulls: dict[str, Count] = Field(default={})
    least: dict[str, int | float] = Field(default={})
    greatest: dict[str, int | float] = Field(default={})
