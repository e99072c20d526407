package position

import windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"

// AppendFenceKeys appends the keys of a shard's fences, one for each partition.
func AppendFenceKeys(dst [][]byte, k windowstore.Keys, shard int, partitions []TopicPartition) [][]byte {
	for _, p := range partitions {
		dst = append(dst, k.AppendFenceKey(nil, shard, p.Topic, p.Partition))
	}
	return dst
}
