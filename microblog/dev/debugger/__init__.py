"""What `run --debug` adds for failing htmx requests. Nothing here is imported, served or mentioned in production."""
