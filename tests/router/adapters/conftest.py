"""LiteLLM's import must not look for newer prices on the network."""

from router.settings import keep_litellm_offline

keep_litellm_offline()
