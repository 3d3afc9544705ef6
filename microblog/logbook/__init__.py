"""Reading the log: conditions, following it through rotations, the story of a reference, taking a person out."""
