"""Rules: which packets pass, and which are translated."""
