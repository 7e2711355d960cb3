"""How fast whole texts are redacted: by the size of the pack, by how much there is to find, and in the worst case."""
