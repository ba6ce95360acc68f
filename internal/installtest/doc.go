// Package installtest tests install.sh under the shells it may meet. It has no
// code of its own.
package installtest
