"""What services need of an IPAM, and our IPAM behind that contract."""
