"""Run sheets of erasures, and the page on which a holder answers."""
