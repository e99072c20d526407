package shard

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/settings"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// watch reads what a shard has to know of the store beside its subjects.
type watch struct {
	*Options
	number int // of the shard
	pulse  *watchdog.Pulse
	boxes  *[boxes]box // its outboxes
}

// view is what the store has.
type view struct {
	fences    [][]byte          // by index of the partition; nil: there is none
	secret    []byte            // the fingerprint key; nil: it is gone
	heads     [boxes][]byte     // of the outboxes
	published [boxes][]byte     // how far they are published
	settings  map[string][]byte // those that are kept, if the shard keeps them; nil: it is gone
	coverage  int               // what was known of since when counters are kept, before settings was read
}

// VerifyEvery is how often a shard compares its fences with the store.
const VerifyEvery = 2 * time.Second

// poll reads. While the outbox is at its limit it does not return, so that nothing more is counted.
func (w *watch) poll(ctx context.Context) (view, error) {
	defer w.pulse.At(w.pulse.At(watchdog.StepVerifyFences))
	for {
		if ctx.Err() != nil {
			return view{}, ctx.Err()
		}
		readCtx, cancel := context.WithTimeout(ctx, VerifyEvery)
		v, err := w.read(readCtx)
		cancel()
		if err != nil {
			return view{}, err
		}
		for i := range w.boxes {
			w.boxes[i].published = outbox.ParsePublished(v.published[i])
		}
		waiting := outbox.Depth(v.heads[liveBox], v.published[liveBox])
		if waiting < w.OutboxMax {
			return v, nil
		}
		if held, ok := w.OutboxFullLog.Pass(); ok {
			w.Log.Warn("outbox is full: reading stops until crossings can be published", "shard", w.number, "entries", waiting, "held_back", held)
		}
		w.pulse.At(watchdog.StepOutboxFull)
		retry.Wait(ctx, outboxFullEvery)
	}
}

// outboxFullEvery is how often a shard looks whether its outbox still is at its limit.
const outboxFullEvery = 200 * time.Millisecond

// read reads all at once.
func (w *watch) read(ctx context.Context) (v view, err error) {
	keys := w.fenceKeys()
	v.fences = make([][]byte, len(keys))
	var into []*[]byte
	for i := range v.fences {
		into = append(into, &v.fences[i])
	}
	ask := func(key []byte, value *[]byte) { keys, into = append(keys, key), append(into, value) }
	ask(w.Keys.AppendMetaKey(nil, w.number, windowstore.SettingFingerprint), &v.secret)
	for i := range w.boxes {
		if i == liveBox || w.Shadow {
			ask(w.boxes[i].keys.AppendHeadKey(nil, w.number), &v.heads[i])
			ask(w.boxes[i].keys.AppendPublishedKey(nil, w.number), &v.published[i])
		}
	}
	var kept [len(settings.Kept)][]byte
	if w.keepsSettings() {
		v.coverage = w.Settings.Coverage.Taken()
		for i, name := range settings.Kept {
			ask(w.Keys.AppendMetaKey(nil, 0, name), &kept[i])
		}
	}
	values, err := w.Store.Load(ctx, w.number, keys, nil)
	if err != nil {
		return view{}, err
	}
	for i, value := range values {
		*into[i] = value
	}
	if w.keepsSettings() {
		v.settings = map[string][]byte{}
		for i, name := range settings.Kept {
			v.settings[name] = kept[i]
		}
	}
	return v, nil
}

// fenceKeys are the keys of the shard's fences, by index of the partition.
func (w *watch) fenceKeys() [][]byte {
	return position.AppendFenceKeys(nil, w.Keys, w.number, w.Partitions)
}

// fences reads the fences alone.
func (w *watch) fences(ctx context.Context) ([][]byte, error) {
	return w.Store.Load(ctx, w.number, w.fenceKeys(), nil)
}

// keepsSettings reports whether it is this shard that keeps what is stored once.
func (w *watch) keepsSettings() bool { return w.number == 0 && w.Settings.Kept }

// check puts back settings that are gone. The error is a store that is another's by now.
func (w *watch) check(ctx context.Context, v *view) error {
	switch {
	case v.secret == nil:
		w.restoreAll(ctx)
	case !bytes.Equal(v.secret, w.Secret.Bytes()):
		return errOtherSecret
	case w.keepsSettings():
		if err := w.Settings.Disowned(v.settings[windowstore.SettingOwner]); err != nil {
			return err
		}
		for _, value := range v.settings {
			if value == nil {
				w.restoreSome(ctx)
				break
			}
		}
	}
	return nil
}

// errOtherSecret: members counted with two keys would count twice.
var errOtherSecret = errors.New("the store was given another fingerprint key: stop all processes, restore the key (privacy.key_file) and start again")

// restoreAll puts the fingerprint key, and what else the store was made with, back into a store
// that lost everything. What is counted from now on must fit a later start.
func (w *watch) restoreAll(ctx context.Context) {
	w.Log.Warn("settings are gone from the store: writing them again", "shard", w.number)
	key := w.Keys.AppendMetaKey(nil, w.number, windowstore.SettingFingerprint)
	_, err := w.Store.PutAbsent(ctx, w.number, key, w.Secret.Bytes())
	if err == nil && w.keepsSettings() {
		err = w.Settings.Rewrite(ctx)
	}
	w.settingFailed(ctx, err)
}

// restoreSome puts back what of the settings alone is gone. Since when counters are
// kept is what was known: nothing was lost that they count.
func (w *watch) restoreSome(ctx context.Context) {
	w.Log.Warn("settings are gone from the store: writing them again", "shard", w.number)
	err := w.Settings.Coverage.Restore(ctx)
	if err == nil {
		err = w.Settings.Rewrite(ctx)
	}
	w.settingFailed(ctx, err)
}

// observe shows the stored fences to those who wait for a new pack to reach every partition, if this shard keeps the settings. It
// takes since when counters are kept as it is stored: a process of other packs may have left some out.
func (w *watch) observe(ctx context.Context, v *view) {
	if !w.keepsSettings() {
		return
	}
	w.Settings.Coverage.Follow(v.settings[windowstore.SettingCounters], v.coverage)
	if w.Settings.Coverage.Pending() {
		w.settingFailed(ctx, w.Settings.Coverage.Observe(ctx, position.ParseFences(v.fences)))
	}
}

func (w *watch) settingFailed(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		w.Calls.Failed(metrics.OperationSetting, err)
	}
}
