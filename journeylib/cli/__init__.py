"""The command line, and audits that run as notebooks."""
