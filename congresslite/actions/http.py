"""What `http` does: the plain methods, and whatever its settings describe under other names."""

from __future__ import annotations

from congresslite.actions.kinds import ActionKind, Parameter

_OBJECT = Parameter("object", "any", help="What the request is about.")
_PATH = Parameter("path", help="The path below the address of the service.")
_BODY = Parameter("body", required=False, help="The body, as JSON text.")

KINDS = (
    ActionKind("get", (_OBJECT, _PATH), "GET a path.", repeatable=True),
    ActionKind("put", (_OBJECT, _PATH, _BODY), "PUT to a path.", repeatable=True),
    ActionKind("post", (_OBJECT, _PATH, _BODY), "POST to a path."),
    ActionKind("patch", (_OBJECT, _PATH, _BODY), "PATCH a path."),
    ActionKind("delete", (_OBJECT, _PATH), "DELETE a path.", repeatable=True),
    # What it really is, the target's settings say.
    ActionKind("*", (Parameter("object", "any"),), "A request that the target's settings describe.", rest=True),
)
