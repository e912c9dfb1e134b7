"""The surfaces clients speak: parse to a Query, render an answer. Pure; knows no backend."""
