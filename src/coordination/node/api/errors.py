"""What can go wrong with a node's interface through no fault of this program."""

from __future__ import annotations


class ApiError(Exception):
    """The interface cannot be offered, or not be asked; the message says why in one line."""


class NodeRefuses(ApiError):
    """A node has understood a request and does not carry it out; the message has the error's name."""
