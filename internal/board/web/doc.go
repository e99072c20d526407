// Package web is the board's pages: what a browser loads, which the binary holds. They show what the API of package board says.
//
// The files are plain modules of JavaScript without a framework and without a build. What is served has no comments and no spaces that
// only people need, so that all of it is less than 100 KB. Charts are drawn by uPlot, a file that is kept here as its authors published it.
//
// Nothing of another host is loaded, and no page holds data: what it shows it asks of the API, with the token that a person gave it.
package web
