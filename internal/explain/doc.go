// Package explain adds to an error of Kafka or of the store what an operator can do about it: which key of the
// config to look at, which right is missing, which page has more. An error of which nothing is known comes back as it is.
//
// It goes by the types and codes of errors. By texts it goes only where Redis has nothing else, of which the store keeps the list.
package explain
