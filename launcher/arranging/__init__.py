"""The page of tools as the cooperative arranges it: its sections, and what each tool shows of itself."""
