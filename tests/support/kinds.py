"""The ways in which one thing can be asked for: address and headers."""

HX = {"HX-Request": "true", "HX-Request-Type": "partial", "Accept": "text/html"}
KINDS = {
    "fragment": ("/broken", HX),
    "page": ("/broken", {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}),
    "api": ("/api/broken", {"Accept": "text/html"}),
    "json": ("/broken", {"Accept": "application/json"}),
}
