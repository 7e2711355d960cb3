"""What one worker carries at a time: idle connections and slow streams, and the memory they take."""
