// Package arrows holds tests about the shape of the source: which package may
// import which and why, that every package says what it is, that no file grows
// without end. It has no code of its own.
package arrows
