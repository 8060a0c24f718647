"""Hosts that share subnets by etcd."""
