"""Text in, Difficulty out. Importing this package loads no model and no runtime."""
