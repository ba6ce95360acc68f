//go:build !unix

package main

import (
	"os"
	"time"
)

var start = time.Now()

// ownCPU is wall time where processor time is not known.
func ownCPU() time.Duration { return time.Since(start) }

func peak(*os.ProcessState) float64 { return 0 }
