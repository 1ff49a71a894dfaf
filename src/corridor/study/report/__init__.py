"""The page of a day: a self-contained HTML document, and the same in the terminal."""
