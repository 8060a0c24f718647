"""A cluster of real engines and members of etcd, in trouble."""
