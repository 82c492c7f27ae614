"""The rows of the table of operators, a file for each family; `rows` of each returns them."""
