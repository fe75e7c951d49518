"""Files that rows are exported to and imported from: .jsonl, .npy and .parquet, one module a form."""
