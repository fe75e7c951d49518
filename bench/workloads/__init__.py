"""Kinds of work: one small class each."""
