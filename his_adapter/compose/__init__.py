"""Several systems as one HIS: reads from one, writes to another, pictures from a third."""
