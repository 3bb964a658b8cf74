"""Claim, commit, seal, recover, finalize: the only code that knows write order.

Everything here but `perform`, `probe` and `results` is pure: generators that yield the I/O they
want done (`effects`) and are sent its result. So a test can stop them, lose a reply, duplicate a
request or delay it past a rival at every single step.
"""
