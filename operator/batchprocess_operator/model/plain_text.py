"""Foreign text, such as a message of the API server that echoes what a tenant wrote."""

MAX_MESSAGE = 1024


def plain(text: str, limit: int = MAX_MESSAGE) -> str:
    """At most `limit` characters, none of which a terminal would obey or a log would break at."""
    # Cut first: a megabyte is not to be walked through.
    return "".join(sign if sign.isprintable() else " " for sign in text[:limit])
