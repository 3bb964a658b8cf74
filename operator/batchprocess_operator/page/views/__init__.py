"""What is shown, as plain values that templates print. Pure: no I/O, and time is an argument."""
