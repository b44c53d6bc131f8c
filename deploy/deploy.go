// Package deploy holds what pipebot is deployed with: the manifest of its Slack app, a compose file and an example of
// its settings. To Go it offers the manifest, for a simulated workspace that has the same app installed.
package deploy

import _ "embed" // of the manifest

// Manifest is the manifest of the Slack app, in YAML (https://docs.slack.dev/reference/app-manifest).
//
//go:embed slack/manifest.yaml
var Manifest []byte
