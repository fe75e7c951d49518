"""The compiled core: kernels, codes, graph and tree. Imports nothing of vecdb."""
