"""How large a number on the wire may be: counts of rows, batches and records."""

from typing import Annotated

from pydantic import Field

MAX_COUNT = 2**53 - 1
"""Up to here every JSON reader keeps whole numbers exactly; a tenant's pod can write anything."""
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
PositiveCount = Annotated[int, Field(ge=1, le=MAX_COUNT)]
