package demo

import (
	"fmt"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/event"
)

// plots are the kinds of incident there are. The second is the quiet one.
var plots = []plot{
	{"rumour", 90, 12 * time.Second, []act{{30, look}, {25, click}, {12, share}, {8, comment}, {3, publishText}, {4, send}}},
	{"dispute", 3, 20 * time.Second, []act{{40, look}, {10, click}, {10, comment}, {2, publishText}}},
	{"leak", 4, 15 * time.Second, []act{{3, leak}, {6, look}, {2, click}, {0.2, refuse}}},
	{"scam", 8, 15 * time.Second, []act{{1, establishSite}, {20, register}, {5, send}, {3, pay}, {2, gain}, {1, assist}}},
	{"deepfake", 40, 10 * time.Second, []act{{14, publishVideo}, {20, look}, {10, click}, {5, share}}},
}

const historySize = 256

// next is the next record, dated by a clock: its key and its value. Most are events of an incident;
// a few are repeats, late, ahead of time, or no events at all.
func (w *world) next(now time.Time) (key, value []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.move(w.now.Add(w.pace))
	i := w.pick()
	switch x := w.rnd.IntN(1000); {
	case x < 10 && len(w.history) == historySize:
		pair := w.history[w.rnd.IntN(historySize)]
		return pair[0], pair[1]
	case x < 13:
		return []byte(i.id), w.broken(i, now)
	case x < 15:
		return w.event(i, now.AddDate(-3, 0, 0)) // a log that was found late
	case x < 16:
		return w.event(i, now.Add(time.Hour)) // a clock that goes wrong
	}
	return w.event(i, now.Add(-time.Duration(w.rnd.IntN(int(2*time.Second)))))
}

// event makes an event of an incident.
func (w *world) event(i *incident, at time.Time) (key, value []byte) {
	w.events++
	e := event.Event{ID: fmt.Appendf(nil, "ev-%09d", w.events), Time: at.UnixNano()}
	e.Str[event.Incident] = []byte(i.id)
	total := 0.0
	for _, a := range i.plot.acts {
		total += a.weight
	}
	left := w.rnd.Float64() * total
	for _, a := range i.plot.acts {
		if left -= a.weight; left < 0 {
			a.fill(w, i, &e)
			break
		}
	}
	key, value = []byte(i.id), e.AppendJSON(nil)
	w.remember(key, value)
	return key, value
}

func (w *world) remember(key, value []byte) {
	if len(w.history) < historySize {
		w.history = append(w.history, [2][]byte{key, value})
		return
	}
	w.history[w.at] = [2][]byte{key, value}
	w.at = (w.at + 1) % historySize
}

// broken is a record that is no event, as real producers send them.
func (w *world) broken(i *incident, now time.Time) []byte {
	at := now.UTC().Format(time.RFC3339)
	list := []string{
		`{"id":"x-1","time":"` + at + `","type":"view","incident":"` + i.id + `"`,
		`{"time":"` + at + `","type":"view","incident":"` + i.id + `"}`,
		`{"id":"x-2","time":"yesterday","type":"view"}`,
		`{"id":"x-3","time":"` + at + `","type":"click","count":-1}`,
		`{"id":4,"time":"` + at + `","type":"click"}`,
		"",
	}
	return []byte(list[w.rnd.IntN(len(list))])
}

func kind(e *event.Event, name string) { e.Type = []byte(name) }

func number(e *event.Event, n event.Num, v int) {
	e.Num[n] = int64(v)
	e.Has |= 1 << n
}

// reader is who reads: mostly one who has been here before.
func (w *world) reader(i *incident) []byte {
	if w.rnd.IntN(4) > 0 {
		return []byte(i.regulars[w.rnd.IntN(len(i.regulars))])
	}
	return []byte(w.account())
}

// actor is one of the accounts that act in an incident.
func (w *world) actor(i *incident) []byte { return []byte(i.accounts[w.rnd.IntN(len(i.accounts))]) }

// content is a new piece of content, or now and then one seen before.
func (w *world) content(i *incident) []byte {
	if i.contents == 0 || w.rnd.IntN(5) > 0 {
		i.contents++
	}
	return fmt.Appendf(nil, "%s-c%d", i.id, 1+w.rnd.IntN(i.contents))
}

func look(w *world, i *incident, e *event.Event) {
	kind(e, "view")
	e.Str[event.Account] = w.reader(i)
}

func click(w *world, i *incident, e *event.Event) {
	kind(e, "click")
	e.Str[event.Account] = w.reader(i)
	number(e, event.Count, 1+w.rnd.IntN(40))
}

func comment(w *world, i *incident, e *event.Event) {
	kind(e, "comment")
	e.Str[event.Account] = w.reader(i)
}

func share(w *world, i *incident, e *event.Event) {
	kind(e, "share")
	e.Str[event.Account] = w.reader(i)
	if w.rnd.IntN(20) == 0 {
		e.Str[event.Group] = fmt.Appendf(nil, "g-%05d", w.rnd.IntN(90_000))
		number(e, event.Members, 5+w.rnd.IntN(120))
	}
	number(e, event.Followers, w.rnd.IntN(60))
}

func publishText(w *world, i *incident, e *event.Event)  { w.publish(i, e, "text") }
func publishVideo(w *world, i *incident, e *event.Event) { w.publish(i, e, "video") }

func (w *world) publish(i *incident, e *event.Event, media string) {
	kind(e, "publish")
	e.Str[event.Account], e.Str[event.Content], e.Str[event.Media] = w.actor(i), w.content(i), []byte(media)
	number(e, event.Followers, 100+w.rnd.IntN(900))
}

func send(w *world, i *incident, e *event.Event) {
	kind(e, "send")
	e.Str[event.Account], e.Str[event.Recipient] = w.actor(i), []byte(w.account())
}

// leaks are the classes of data, from the gravest on.
var leaks = []string{"tracking", "credit", "health", "call-log", "phone-book"}

func leak(w *world, i *incident, e *event.Event) {
	kind(e, "leak")
	i.leaked += 50 + int64(w.rnd.IntN(100))
	e.Str[event.Account], e.Str[event.Content] = []byte(i.accounts[0]), []byte(i.id+"-set")
	e.Str[event.Category] = []byte(leaks[i.class])
	number(e, event.Records, int(i.leaked))
}

func refuse(w *world, i *incident, e *event.Event) {
	kind(e, "refuse")
	e.Str[event.Account] = []byte(i.accounts[0])
}

func establishSite(w *world, i *incident, e *event.Event) {
	kind(e, "establish")
	e.Str[event.Account], e.Str[event.Site] = []byte(i.accounts[0]), fmt.Appendf(nil, "site-%04d", w.rnd.IntN(9_000))
}

func register(w *world, i *incident, e *event.Event) {
	kind(e, "register")
	e.Str[event.Account], e.Str[event.Recipient] = []byte(i.accounts[0]), []byte(w.account())
	e.Str[event.Site] = []byte(i.id + ".example")
}

func pay(w *world, i *incident, e *event.Event) {
	kind(e, "pay")
	e.Str[event.Account], e.Str[event.Recipient] = w.actor(i), []byte(i.accounts[0])
	number(e, event.Amount, 50_000+w.rnd.IntN(400_000))
}

func gain(w *world, i *incident, e *event.Event) {
	kind(e, "gain")
	e.Str[event.Account], e.Str[event.Category] = []byte(i.accounts[0]), []byte("fraud")
	number(e, event.Amount, 1_000+w.rnd.IntN(20_000))
}

func assist(w *world, i *incident, e *event.Event) {
	kind(e, "assist")
	e.Str[event.Account], e.Str[event.Recipient] = w.actor(i), []byte(i.accounts[0])
}
