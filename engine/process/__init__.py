"""The parts of the supervisor, one concept a file: none of them knows HTTP or the pipeline."""
