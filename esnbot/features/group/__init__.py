"""Groups that people make, join, keep and hand over in chat."""
