"""Text to checked program: grammar, syntax, checks, builtins, formatter."""
