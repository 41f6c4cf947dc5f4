"""Recipes: how the exports of help desks, chat platforms, telephony and analytics become a log.

A recipe is one SQL file with a head. `recipe` reads the head, `parts` looks at files and tables,
`recognise` finds the recipe that fits, `fields` shows records to the SQL, `execution` runs it and
checks what it yields.
"""
