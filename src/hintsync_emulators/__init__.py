"""Local stand-ins for Salesforce and Hint Health, which speak their wire formats and share nothing with hintsync."""
