"""What an answer *is*, so that two samples can be told equal: extraction and canonical keys."""

from .extract import answer_key

__all__ = ["answer_key"]
