"""Run folders on disk: versioned schema, one Arrow file a modality, atomic writer, lazy reader."""
