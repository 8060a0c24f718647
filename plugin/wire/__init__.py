"""The protocols of libnetwork: bytes on one side, values of the model on the other."""
