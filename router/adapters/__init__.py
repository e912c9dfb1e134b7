"""Ways in for users of other routers: a RouteLLM-like controller, and a routing strategy for LiteLLM's Router."""
