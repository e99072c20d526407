// Package explain adds to an error of Kafka or of the store what an operator can do about it. It
// names the key of the config to look at, the right that is missing, or the page that has more. An
// error of which nothing is known comes back as it is.
//
// It goes by the types and codes of errors. It goes by texts only where Redis has nothing else; the
// store keeps the list of these.
package explain
