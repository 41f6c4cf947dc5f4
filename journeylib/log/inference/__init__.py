"""What a log looks like: a schema proposed from columns and their names."""
