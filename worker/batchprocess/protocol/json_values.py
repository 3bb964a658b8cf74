"""Which JSON values documents and the wire take: counts that stay exact, and what is read again."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints
from pydantic_core import from_json, to_json

MAX_COUNT = 2**53 - 1
"""Up to here every JSON reader keeps whole numbers exactly; a tenant's pod can write anything."""
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
PositiveCount = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
MAX_LEVELS = 190
"""Lists and dicts in each other: pydantic writes 254 levels and reads 200, with those around."""


def check_readable(value: Any) -> None:
    """Raise ValueError unless a document with this JSON value in it can be read again."""
    try:
        # Within as many levels as any document has around values of users.
        from_json(to_json([[[[[[[[[[value]]]]]]]]]]))
    except (ValueError, RecursionError) as error:
        if "recursion" in str(error) or "depth" in str(error):
            raise ValueError(
                f"it is nested too deep to be read again: at most {MAX_LEVELS} lists and dicts in "
                "each other"
            ) from error
        raise ValueError(f"it could not be read again: {error}") from error


def as_readable(text: str) -> str:
    """The text with what is no Unicode in it escaped, such as bytes of file names."""
    return text.encode("utf-8", "backslashreplace").decode()
