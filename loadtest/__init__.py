"""Plays the world: upstream models, clients and load. Speaks HTTP only."""
