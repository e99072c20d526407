// Package watermark holds back a partition that is ahead of the others, so that events of the
// slower ones are not late. Flink calls this the alignment of watermarks.
//
// Times are nanoseconds.
package watermark
