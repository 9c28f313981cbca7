"""Windows of reasonable views, from people's votes, free answers, lists of values, or a file written by hand."""
