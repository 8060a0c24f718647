"""The engine's side: one Flask application per socket."""
