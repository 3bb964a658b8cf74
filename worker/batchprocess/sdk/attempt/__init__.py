"""One attempt on one shard, and the loop in it."""
