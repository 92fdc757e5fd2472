"""Screening of chat texts: pure functions of a text, a room's rules and what the gateway knows of its author.

Gateways call it before a message goes on the log, and to try changed rules on past messages.
"""
