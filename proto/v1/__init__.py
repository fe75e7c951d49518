"""Generated from proto/vecdb/v1 by proto/generate.py; never edited."""
