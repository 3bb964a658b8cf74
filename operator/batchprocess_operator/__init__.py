"""The operator: BatchProcessJob objects become indexed Jobs of GPU workers."""
