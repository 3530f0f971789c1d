"""The console: pages for people, rendered by the server, that work without scripts and are kept current by htmx."""

from congresslite.server.console.blueprint import console_blueprint

__all__ = ["console_blueprint"]
