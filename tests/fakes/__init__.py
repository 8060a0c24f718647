"""Stand-ins for the host, each kept honest by a suite in tests/contract that runs on the real thing too."""
