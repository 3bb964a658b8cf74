"""What user code touches, and the loop that runs it. The only folder that imports torch."""
