"""What an answer *is*, so that two samples can be told equal: extraction, canonical keys, equivalence."""

from .choices import options_of
from .documents import merge_fields
from .equivalence import Clusters
from .extract import answer_key
from .kinds import Kind, kind_of
from .similarity import medoid, similarity
from .units import unit_of

__all__ = [
    "Clusters",
    "Kind",
    "answer_key",
    "kind_of",
    "medoid",
    "merge_fields",
    "options_of",
    "similarity",
    "unit_of",
]
