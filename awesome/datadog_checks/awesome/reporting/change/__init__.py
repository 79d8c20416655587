"""What changed on a page since it was last right: kept, compared, and told at each turn of the verdict."""
