"""« Mes coordonnées »: what the directory says of whoever reads it, and what of it they correct themselves."""
