"""The I/O shell: HTTP in, HTTP out, cache, backends, ledger. The in-process SDK."""
