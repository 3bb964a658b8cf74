"""The tables of a run, read whole: a pyarrow dataset of files that count, or rows one by one."""
