// Package faultpoint has the places at which a process kills itself, in a build for the tests of crashes (tag faultpoints).
// Any other build does nothing there.
package faultpoint
