"""Places of France as open data tells them: communes with their postcodes and centres, departments with their outlines.

Read from two files that ``tools/places.py`` derives; nobody outside is asked where anything is.
"""
