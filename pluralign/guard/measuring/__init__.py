"""What a guard was measured to do: the tests T1 to T7, each a list of shares with intervals, split by source."""
