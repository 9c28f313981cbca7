"""Overton pluralism: does a response present the whole window of reasonable views?"""
