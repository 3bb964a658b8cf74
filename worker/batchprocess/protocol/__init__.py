"""The wire: everything two processes of ours must agree on. Pydantic only; no I/O."""
