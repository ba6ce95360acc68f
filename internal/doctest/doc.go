// Package doctest holds the documents to what they say: links resolve, blocks
// marked as runnable run, the page of dependencies agrees with the build. It
// has no code of its own.
package doctest
