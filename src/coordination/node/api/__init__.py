"""What a node offers to whoever operates it: JSON-RPC 2.0 over HTTP, its metrics and its health.

`jsonrpc` answers requests, `methods` says which there are, `server` puts them behind HTTP, and `client` asks them.
"""
