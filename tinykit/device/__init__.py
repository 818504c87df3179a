"""Talking to a device: wire format, transport, client, validation."""
