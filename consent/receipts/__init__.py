"""A member's decisions as records of ISO/IEC TS 27560, handed to them with the proof that the log holds each."""
