"""What others make of the documents."""
