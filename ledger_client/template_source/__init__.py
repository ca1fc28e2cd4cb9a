"""How a template's file is read: strict YAML, then its definition, then its examples."""
