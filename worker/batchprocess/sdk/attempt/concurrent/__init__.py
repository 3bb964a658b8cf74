"""The loop over batches of which many are under way at a time (`async def process_batch`)."""
