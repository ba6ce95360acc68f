// Package transfer has the commands that import issues from other trackers and export them.
package transfer
