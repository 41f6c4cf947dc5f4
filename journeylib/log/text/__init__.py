"""What a text says: word lists, and expressions that find them."""
