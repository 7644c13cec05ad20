"""Ways out of the event log: each reads with its own durable cursor."""
