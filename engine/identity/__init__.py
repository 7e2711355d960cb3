"""Identity: from a credential to a principal. API keys, where they are stored, and how a worker looks one up."""
