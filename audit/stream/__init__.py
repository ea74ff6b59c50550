"""The journal told to a SIEM as it grows: who people are stays behind, and so does every value."""
