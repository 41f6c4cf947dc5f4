"""The result as a document for other programs: audit.json."""
