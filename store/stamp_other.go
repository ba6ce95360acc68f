//go:build !unix

package store

import "io/fs"

func identity(fs.FileInfo) string { return "" }
