// Package storetest holds the tests that every store must pass, and the desk from which they are written.
package storetest
