"""One module a subject; each function makes the answer to one address."""
