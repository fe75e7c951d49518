"""A vector search database: an embedded library with a C++ core."""
