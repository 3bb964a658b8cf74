"""Foreign text: what others wrote must not move a reader's cursor, break a log, nor be endless.

Such as a message of the API server, which echoes what a tenant wrote. Pure.
"""

MAX_MESSAGE = 1024


def plain(text: str, limit: int = MAX_MESSAGE) -> str:
    """At most `limit` characters, none of which a terminal would obey; line ends become spaces."""
    # Cut first: a megabyte is not to be walked through.
    return "".join(sign if sign.isprintable() else " " for sign in text[:limit])


def plain_line(text: str, limit: int) -> str:
    """A line of a log: tabs stay, colours and all else that a terminal would obey do not."""
    return "".join(sign if sign.isprintable() or sign == "\t" else " " for sign in text[:limit])
