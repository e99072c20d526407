// Package tail keeps the end of the topic of crossings in memory, for whoever shows them.
//
// Every process reads the topic by itself and without a group, from shortly before its end on. So all processes show the
// same, whichever published a crossing. What is kept is the newest records by Kafka timestamp, partition and offset, up to
// a number and to a size. A crossing whose id came before, within what is kept, is a repeat and not shown.
//
// Whoever follows the crossings has a place in the list of what came, and is told when there is more. So a reader who is slow holds up
// nobody. It is cut off when what it has not read is no longer kept.
package tail
