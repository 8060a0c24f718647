"""What only a real kernel decides, each test in network namespaces of its own."""
