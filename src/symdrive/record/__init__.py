"""Run folders on disk: versioned schema, atomic writer, lazy reader."""
