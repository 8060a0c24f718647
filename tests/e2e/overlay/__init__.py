"""Networks on a host of each engine, without a swarm."""
