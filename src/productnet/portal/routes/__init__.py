"""The operations of the HTTP API, a file a group: parse, call one function, answer."""
