"""Text to syntax: characters to tokens, tokens to statements, each with its place; mistakes to findings."""
