"""ClickHouse's HTTP interface over the embedded engine (chdb): the one-machine stand-in for a server.

Clients see URLs and the protocol only; production is a ClickHouse server behind the same URL.
"""
