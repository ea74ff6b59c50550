"""How dates and times are written, where Django's own way is not the usage: 14 h 05, not 14:05."""
