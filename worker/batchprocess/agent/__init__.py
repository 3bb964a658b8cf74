"""PID 1 of a pod, without torch: it alone decides the exit code. Also the local runner."""
