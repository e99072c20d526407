package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/preflight"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/tail"
	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// config is the settings as they are used. config_keys.go says where each key goes, and
// aggregator.example.yaml what it means.
type config struct {
	kafka  stream.Kafka
	login  preflight.Login // as kafka.SASL has it
	redis  redisstore.Options
	shards int // written as 0: as the kind of Redis wants it
	lost   string
	rulesKeys
	given     given // what is set, for who reads the config again
	reload    bool  // POST /-/reload is answered
	listen    string
	auth      httpserver.Auth
	crossings int // that the board reaches back over
	logLevel  string
	logFormat string
	maxAge    time.Duration
	maxEvents int
	cache     int // bytes
	listMost  int // rows of each list of subjects near a limit; 0: nothing is listed
	members   int
	intake    engine.IntakeOptions
	retention preflight.Retention
	key       *engine.Secret // nil: the store has its own

	canaryEvery time.Duration // 0: none are sent
	sinks       []*sinkConfig // of notify
	warnings    []string      // what is allowed, and riskier than it looks
}

// rulesKeys are the keys under rules, which a reload reads again.
type rulesKeys struct {
	packs []string      // built-in
	files []string      // files, directories or globs
	tests string        // what run does with packs whose own tests fail: refuse or warn
	poll  time.Duration // how often the files of packs are looked at; 0: never
}

// given is the texts that keys are set to, by their paths.
type given map[string][]string

// differing are the keys that are set otherwise, except those under rules, and those of notify, which the service leaves alone.
func (g given) differing(o given) (keys []string) {
	all := maps.Clone(g)
	maps.Copy(all, o)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if !strings.HasPrefix(key, "rules.") && !strings.HasPrefix(key, sinksKey) && !slices.Equal(g[key], o[key]) {
			keys = append(keys, key)
		}
	}
	return keys
}

// written is what a config says that is not used as it is written: check makes
// settings of it.
type written struct {
	kafkaTLS tlsFiles
	sasl     saslConfig
	redisTLS tlsFiles
	password secret // of Redis
	sentinel secret
	token    secret
	form     string // of the crossings' CloudEvents
	keyFile  string
	canary   string // topic
}

const (
	defaultPack = "cn-2019-15"
	defaultPoll = 10 * time.Second
	// clusterShards is how many shards a new store in a Cluster has: few of its
	// nodes would hold any of 16.
	clusterShards = 64
	// mostRetention is as good as for ever.
	mostRetention = 100_000 * day
)

func defaultConfig() *config {
	return &config{
		kafka: stream.Kafka{
			Brokers: []string{"127.0.0.1:9092"}, Group: "aggregator", ClientID: "aggregator",
			Events: []string{"dissemination-events"}, Crossings: "threshold-crossings", SetBytes: 1 << 20,
		},
		redis:     redisstore.Options{Addrs: []string{"127.0.0.1:6379"}, Prefix: windowstore.DefaultPrefix},
		rulesKeys: rulesKeys{packs: []string{defaultPack}, tests: "refuse", poll: defaultPoll},

		lost:     "recount",
		given:    given{},
		listen:   "127.0.0.1:8080",
		auth:     httpserver.Auth{Pause: httpserver.DefaultPause},
		logLevel: "info", logFormat: "auto",
		maxAge: stream.DefaultMaxAge, crossings: tail.DefaultMost,
		cache: shard.DefaultCacheBytes, listMost: listing.DefaultMost,
		members: thresholds.DefaultMaxMembers,
		intake: engine.IntakeOptions{
			MaxAhead: engine.DefaultMaxAhead, DedupeWindow: engine.DefaultDedupeWindow, MaxIDs: engine.DefaultMaxIDs,
			Types: map[string]string{},
		},
		retention: preflight.Retention{Crossings: preflight.DefaultRetention},
	}
}

func defaultWritten() *written { return &written{form: "binary", canary: "threshold-crossings-canary"} }

// loadConfig reads a config file ("" for none) and the environment. It returns
// all that is wrong at once; the config is what could be read of it. Warnings go to
// stderr.
func (s *session) loadConfig(file string) (*config, faults) {
	r := newConfigReader(file)
	if file != "" {
		r.readFile()
	}
	return r.finish(s)
}

func newConfigReader(file string) *configReader {
	r := &configReader{c: defaultConfig(), w: defaultWritten(), file: file, yaml: strictyaml.NewReader(file, "a config"), origins: map[string]origin{}}
	r.yaml.Secret = true
	r.keys = keysOf(r.c, r.w)
	return r
}

// finish takes what the environment says on top of the file, and looks at it all.
func (r *configReader) finish(s *session) (*config, faults) {
	r.readEnvironment(s)
	r.check()
	return r.c, r.faults()
}

// faults is all that is wrong with what the user wrote, a line each.
type faults []string

func (f faults) Error() string { return strings.Join(f, "\n") }

// orNil keeps no faults from becoming an error that is not nil.
func (f faults) orNil() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// configReader gathers a config, and what is wrong with it.
type configReader struct {
	c       *config
	w       *written
	keys    []key
	file    string
	yaml    *strictyaml.Reader
	origins map[string]origin // where a key was set, by its path
	others  faults            // of the environment, or of no place
}

// origin is where a key was set: in the file, or by an environment variable.
type origin struct {
	line, column int
	variable     string
}

// fault notes what is wrong with a key that was read, wherever it was set.
func (r *configReader) fault(path, format string, args ...any) {
	at, set := r.origins[path]
	switch {
	case at.variable != "":
		r.others = append(r.others, "env "+at.variable+": "+fmt.Sprintf(format, args...))
	case set || r.file != "":
		r.yaml.Add(strictyaml.Fault{Line: at.line, Column: at.column, Path: path, Message: fmt.Sprintf(format, args...)})
	default:
		r.others = append(r.others, "config: "+path+": "+fmt.Sprintf(format, args...))
	}
}

// isSet reports whether a key was set at all.
func (r *configReader) isSet(path string) bool {
	_, set := r.origins[path]
	return set
}

// faults are all faults: the file's by line, then the others.
func (r *configReader) faults() faults {
	var all faults
	for _, f := range r.yaml.Sorted() {
		all = append(all, f.String())
	}
	return append(all, r.others...)
}
