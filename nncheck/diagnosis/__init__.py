"""What a wrong value equals: named mistakes, small edits of a line, and plain relations to the right value."""
