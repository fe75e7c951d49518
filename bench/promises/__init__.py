"""What vecdb promises of itself, measured: one module a promise, with the peer that it is compared with."""
