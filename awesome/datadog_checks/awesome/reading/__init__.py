"""From the bytes of a page to a verdict: pure, and without knowledge of the network or the Agent."""
