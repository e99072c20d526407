//go:build !faultpoints

package stream

// faultpoint does nothing: see the build with the tag faultpoints.
func faultpoint(string) {}
