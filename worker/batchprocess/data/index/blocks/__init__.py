"""Where the lines of all objects are, counted block by block, each once for all attempts."""
