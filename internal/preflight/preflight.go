package preflight

import (
	"context"
	"io"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// timeout bounds what is asked of Kafka, and what is asked of Redis.
const timeout = 15 * time.Second

// Options is a deployment, and where its report goes.
type Options struct {
	Kafka     stream.Kafka
	Login     Login // as Kafka.SASL has it
	Intake    engine.IntakeOptions
	Redis     redisstore.Options
	Shards    int                // of the store
	Secret    *engine.Secret     // of the fingerprints; nil: that of the store
	Packs     []*thresholds.Pack // their windows tell how long events are needed
	Retention Retention
	Sinks     []Sink    // of notify
	Out       io.Writer // what is fine, a line each
	Err       io.Writer // everything else, and the verdict
}

// Login is how the service logs in at Kafka.
type Login struct {
	Mechanism          string // plain, scram-sha-256 or scram-sha-512; "": nobody logs in
	Username, Password string
}

// Run looks at the servers, and reports whether the service can run on them.
func Run(ctx context.Context, o *Options) bool {
	r := &report{out: o.Out, err: o.Err}
	checkRedis(ctx, r, o, checkKafka(ctx, r, o))
	checkSinks(ctx, r, o.Sinks)
	return r.verdict()
}
