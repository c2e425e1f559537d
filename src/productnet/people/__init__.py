"""Who may come in: accounts and roles, sessions, API keys, one-time links, throttling; no HTTP."""
