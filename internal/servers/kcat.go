package servers

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"strings"
	"time"
)

// kcatLimit bounds one run of kcat.
const kcatLimit = 5 * time.Minute

// Produce sends in to the topic by kcat, a line a record. Further arguments go
// to kcat: "-K", "\t" splits a key off each line, "-H", "a=b" adds a header,
// "-X", "..." sets a property of librdkafka.
func (k *KafkaServer) Produce(topic string, in io.Reader, args ...string) {
	k.tb.Helper()
	k.kcat(in, append([]string{"-P", "-t", topic}, args...)...)
}

// Consume reads what is in the topic now by kcat, from the start to the end of every partition. It
// returns a line for each record: its value, or what "-f" and kcat's format ask for ("%p %o %k %h
// %s"). Aborted transactions are left out. The order is kept within a partition only.
func (k *KafkaServer) Consume(topic string, args ...string) []string {
	k.tb.Helper()
	out := k.kcat(nil, append([]string{"-C", "-t", topic, "-o", "beginning", "-e", "-q"}, args...)...)
	if out == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(out, "\n"), "\n")
}

func (k *KafkaServer) kcat(in io.Reader, args ...string) string {
	k.tb.Helper()
	Require(k.tb, "kcat")
	ctx, cancel := context.WithTimeout(k.tb.Context(), kcatLimit)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, "kcat", append([]string{"-b", k.bootstrap()}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &errs
	cmd.SysProcAttr = procAttr()
	if err := cmd.Run(); err != nil {
		k.tb.Fatalf("kcat %s: %v: %s", strings.Join(args, " "), err, errs.Bytes())
	}
	return out.String()
}
