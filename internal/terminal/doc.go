// Package terminal knows whether an output is a terminal and how large it is, gives keys as they are
// pressed, and draws the progress line of a long task.
package terminal
