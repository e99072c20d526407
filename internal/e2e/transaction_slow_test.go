//go:build slow

package e2e

import (
	"context"
	"strings"
	"testing"
)

// TestSlowOpenTransaction: after a minute it is logged, with whose transaction it is.
func TestSlowOpenTransaction(t *testing.T) {
	x := newOpenTransaction(t)
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	id, epoch, err := x.txn.ProducerID(ctx)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is logged", func() bool { return strings.Contains(x.d.Log.String(), "a transaction is open") })
	line := x.d.AwaitLog("a transaction is open: records behind its first one are held back")
	if line["topic"] != x.events || line["partition"] != 0.0 || line["offset"] != 1.0 || line["records"] != 2.0 ||
		line["producer_id"] != float64(id) || line["producer_epoch"] != float64(epoch) {
		t.Errorf("it says %v, of producer %d", line, id)
	}
	x.end()
	x.d.AwaitLog("transaction ended: reading goes on behind it")
	x.awaitDone()
	x.d.Stop()
}
