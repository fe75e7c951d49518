"""One module a command of vecdb-bench: add_arguments(parser), run(options); cli.py has their summaries."""
