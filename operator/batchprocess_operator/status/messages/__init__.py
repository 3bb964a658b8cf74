"""Messages about a job, which its status has from the write that they tell of on."""
