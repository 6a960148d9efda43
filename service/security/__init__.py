"""Who may call the service: API keys, rate limits, trusted proxies, and the headers of every answer."""
