"""Tables: what all files of one name in a run have in common."""
