// Package verify counts the log again, in memory, and compares every counter and level with what is stored. It writes nothing.
package verify
