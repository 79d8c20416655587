"""From what a run found out to what people read: messages, metrics, and advice."""
