"""Tables, plots, videos: read run folders, never live objects."""
