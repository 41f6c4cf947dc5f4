"""Where one journey of a customer ends and the next begins."""
