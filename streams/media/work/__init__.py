"""Long work: the body of each kind, what they have in common, and the tools they are given."""
