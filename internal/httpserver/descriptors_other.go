//go:build !unix

package httpserver

// descriptors is a number that no system is below.
func descriptors() int { return 1024 }
