"""Whether tools are there: a light look at an address, and what people say of a tool until a day."""
