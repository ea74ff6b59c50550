"""Rules of the protocols: values in, values out.  No Django, no clock, no database."""
