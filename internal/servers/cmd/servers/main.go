// Command servers starts a real Kafka and a real Redis on loopback for a first try, and ends them at Ctrl-C:
//
//	servers [-dir DIR] [-kafka PORT] [-redis PORT]
//
// Once both answer it prints the lines of a config that uses them to stdout. Their data is in a
// temporary directory, which goes at the end, or in DIR, where it stays for the next time.
// Exit codes are 0 (fine), 1 (failed), 2 (usage).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

func main() {
	// A terminal that is closed ends them as Ctrl-C does. A second signal does not wait.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run does what the arguments say until ctx ends, and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2 // the flag package has said why
	}
	if err := serve(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "servers:", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (o servers.PairOptions, err error) {
	f := flag.NewFlagSet("servers", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.Dir, "dir", "", "keep the data in this `directory` (default: a temporary one, which goes at the end)")
	f.IntVar(&o.Kafka, "kafka", 19092, "`port` of Kafka; another one if it is taken or 0")
	f.IntVar(&o.Redis, "redis", 16379, "`port` of Redis; another one if it is taken or 0")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		fmt.Fprintf(stderr, "servers: %q is not a flag\n", f.Arg(0))
		return o, errUsage
	}
	return o, nil
}

var errUsage = errors.New("usage")

// serve starts both servers, says where they are, and ends them when ctx ends.
func serve(ctx context.Context, o servers.PairOptions, stdout, stderr io.Writer) (err error) {
	end := (*servers.Pair).Stop
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "aggregator-servers-"); err != nil {
			return err
		}
		end = (*servers.Pair).Kill // what they have not written yet goes as well
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "servers: Kafka and Redis start, with their data in %s (some seconds)\n", o.Dir)
	pair, err := servers.StartPair(o)
	if err != nil {
		return err
	}
	defer end(pair)
	fmt.Fprintf(stdout, "kafka: {brokers: [%q]}\nredis: {addrs: [%q]}\n", pair.Kafka(), pair.Redis())
	fmt.Fprintln(stderr, "servers: both answer. The lines above are for the config. Ctrl-C ends both: end `aggregator run` before that.")
	return pair.Await(ctx)
}
