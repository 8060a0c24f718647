"""What `make test`, `make nightly` and CI run: stages, side by side where they only wait."""
