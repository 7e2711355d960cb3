"""What redaction of a stream costs an event, and how much of the text it holds back."""
