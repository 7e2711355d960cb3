"""What the built-in rules find in a labelled corpus that is made here, and what they find where nothing is."""
