"""One training, all callbacks together: how far it is, what is printed, and what a state is made of."""
