"""What `batchprocess plan` shows of an input. Texts of files are cut and cleaned."""

from pydantic import BaseModel, ConfigDict, Field

from batchprocess.protocol.json_values import Count


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SampleRow(_Model):
    """A row of the dataset, as a person may look at it."""

    row: Count = Field(description="its number in the dataset")
    id: str = Field(description="what it is called")
    text: str = Field(description="JSON of it, with what is long or no JSON cut short")


class UnreadableFile(_Model):
    """A file whose first row cannot be read."""

    file: str = Field(description="its address")
    error: str = Field(description="class and text of what was raised")


class PackedHeads(_Model):
    """What processes unpack only to come to their first row."""

    files: Count = Field(description="packed files that can be read from their begin alone")
    most: Count = Field(description="unpacked bytes, of the process that has most")
    total: Count = Field(description="unpacked bytes, of all processes of all shards")


class InputSummary(_Model):
    """Of all readers of the dataset together."""

    files: Count = Field(description="that were listed")
    bytes: Count = Field(description="of these")
    sample: tuple[SampleRow, ...] = Field(default=(), description="the first rows")
    looked: Count = Field(default=0, description="files of which the first row was read")
    unreadable: tuple[UnreadableFile, ...] = Field(default=(), description="of these")
    empty: tuple[str, ...] = Field(
        default=(), description="columns asked for, of which no row that was read has a value"
    )
    packed: PackedHeads | None = Field(default=None, description="null: no such files")
