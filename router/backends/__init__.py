"""The policy models behind the tiers: direct HTTP, or litellm for every other provider; one port."""
