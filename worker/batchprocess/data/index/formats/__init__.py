"""How rows stand in files of one format each: what counts them, and what parses them."""
