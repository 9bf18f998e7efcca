"""The bots that are compared, each a program of its own: ours, mautrix's AppService, nio's client, bare aiohttp."""
