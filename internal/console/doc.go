// Package console shows in a terminal what the API of a running service says: how the deployment does, what is near a limit, a
// subject, crossings. It turns answers into lines; internal/client gets them.
//
// On a terminal, lines have colours, and tables are as wide as it is. Elsewhere they are whole and plain, for programs and files.
// Ids and titles come from strangers: nothing of them acts on a terminal (Visible, word).
package console
