"""What pynet talks about, as frozen values: networks, endpoints, and what the host should hold for them."""
