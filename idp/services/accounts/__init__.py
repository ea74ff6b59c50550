"""What changes around an account: tries, factors, passwords, links, mails, help, and the dates of its life."""
