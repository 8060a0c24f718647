"""The proofs on real engines: kill loops, boots, restarts and reboots of whole hosts."""
