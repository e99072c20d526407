// Package watermark holds back a partition that is ahead of the others, so that events of the slower ones are not late: the
// alignment of watermarks, as Flink calls it.
//
// Times are nanoseconds.
package watermark
