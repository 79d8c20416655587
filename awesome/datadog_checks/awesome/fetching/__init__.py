"""From a URL to the bytes of its page, in time: knows nothing of what is read in them."""
