"""Where workers report their progress: fresh numbers that nothing depends on."""
