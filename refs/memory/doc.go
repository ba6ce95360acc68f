// Package memory is a repository and a hub in memory, for tests and
// simulations. It computes the same ids as git does and passes the same suite as
// the implementations on disk.
package memory
