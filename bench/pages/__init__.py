"""What is shown: plots, the HTML report and Markdown tables."""
