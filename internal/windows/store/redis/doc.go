// Package redis keeps a store in a Redis: a single server, a master watched by Sentinels, or a
// Cluster. It has the only client of Redis, and the only Lua: one script for a commit. It also says
// what kind of error a store returned, and whether trying again may help.
package redis
