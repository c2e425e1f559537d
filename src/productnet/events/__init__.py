"""What happened in a project, and who is told: the activity log and webhooks. No HTTP server."""
