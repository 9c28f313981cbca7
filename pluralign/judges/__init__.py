"""Judges of texts: whether one states another (`Entailment`), and prompted models (`Judge`)."""
