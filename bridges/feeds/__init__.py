"""Feeds: RSS, Atom and JSON Feed, polled politely and behind a guard; what is new enters by the engine's inbox.

``following`` says which feeds are wanted and how each of them is doing, ``news`` names what enters, ``bridge`` polls.
"""
