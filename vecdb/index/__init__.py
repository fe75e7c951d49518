"""Search structures over the rows of one vector: flat and graph, each with any codec."""
