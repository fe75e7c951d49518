"""vecdb for VectorDBBench: vectordb_bench/backend/clients/vecdb/ there."""
