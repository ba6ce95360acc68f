// Package transfer holds the commands that bring issues in from other trackers
// and out to them.
package transfer
