// Package clienttest is a service for the tests of who asks its API: its answers are made by the test, and each is held against the
// API's document.
package clienttest
