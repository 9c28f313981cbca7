"""The guardrail: refuses unacceptable value systems, serves merely unpopular ones."""
