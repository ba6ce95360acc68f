// Package arrows holds tests about the shape of the source: which package may
// import which and why, that every package says what it is, and how large a
// package, a file, a type or a function may be. It has no code of its own.
package arrows
