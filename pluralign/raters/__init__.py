"""Value profiles inferred from people's ratings: encode, decode, cluster."""
