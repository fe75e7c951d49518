"""What the engine keeps on disk: journal, key-value store, row files, manifest; docs/file_formats.md has every byte."""
