"""ChatKit: self-hosted AI chat for websites."""

__version__ = "0.1.0"
