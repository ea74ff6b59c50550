"""Where what was observed is not what is declared or agreed to, by tool: worked out when asked, kept nowhere."""
