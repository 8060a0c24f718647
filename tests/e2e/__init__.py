"""pynet on real engines, asked as a user asks: with the docker command."""
