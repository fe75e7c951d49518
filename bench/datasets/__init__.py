"""What is measured on: rows, queries and their exact nearest neighbours."""
