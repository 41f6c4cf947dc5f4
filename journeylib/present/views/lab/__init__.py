"""The lab as people see it: pictures, a page, and the mail of a watch."""
