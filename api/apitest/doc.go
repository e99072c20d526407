// Package apitest holds records against the schemas of the contract, for the tests of every package that makes or reads one.
// It knows JSON Schema, and nothing of the program.
//
// A schema is tried in two ways. Lenient is what the schema says to others: a member that it does not describe may be there.
// Strict is what the program is held to: it makes no member that is not described.
package apitest
