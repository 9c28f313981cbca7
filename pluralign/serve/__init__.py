"""The gateway: an OpenAI-compatible proxy that puts guarded value profiles in front of any model."""
