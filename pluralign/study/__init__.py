"""Controlled comparisons of tuned and untuned models: train, measure, and set side by side over seeds."""
