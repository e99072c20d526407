// Package inspect reads from the store what is counted of a subject, and of all of them.
package inspect
