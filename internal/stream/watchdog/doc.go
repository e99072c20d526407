// Package watchdog reports goroutines that do nothing though they are at work. Each of them has a
// Pulse, in which it notes what it does; a Watchdog looks at all of them.
package watchdog
