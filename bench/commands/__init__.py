"""One module a command of vecdb-bench: SUMMARY, add_arguments(parser), run(options)."""
