"""Messages to the types of vecdb and back, one module a kind; what a message holds wrongly is an InvalidArgument."""
