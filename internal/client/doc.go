// Package client asks the API of a process of `run`, as internal/board serves it: what is near a limit, what crossed, how the
// deployment does. It knows the API by its document alone and shares no code with the server, as any other client.
//
// What it returns is read, and kept as it came beside that (Item). Its errors say what a person at a terminal can do.
package client
