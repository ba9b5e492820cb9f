"""The command line: `kubectl launchplan`, a plugin that reads manifests and talks to the cluster as its user."""
