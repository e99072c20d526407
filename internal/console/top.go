package console

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/client"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/terminal"
)

// Top shows what is near a limit on a terminal, again and again.
type Top struct {
	Client *client.Client
	Query  client.Nearest
	Most   int           // rows; 0: as many as there is room for
	Every  time.Duration // how often it asks
	In     io.Reader     // of keys
	Out    io.Writer     // a terminal
	Colour bool

	mu    sync.Mutex
	rows  []client.Item[client.Row]
	asked time.Time // by the server's clock
	fault error     // of the last asking
	count int       // of askings
}

const (
	lookEvery = 100 * time.Millisecond // at keys, and at the size
	aside     = 4                      // rows of the terminal that are no rows of the table
)

// Run shows it until ctx ends or q is pressed. What was seen last stays on the terminal. An error is the first asking's.
func (t *Top) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.ask(ctx)
	if t.fault != nil {
		return t.fault
	}
	var asking sync.WaitGroup
	asking.Go(func() { retry.Every(ctx, t.Every, func(time.Time) { t.ask(ctx) }) })
	err := t.show(ctx, cancel)
	cancel()
	asking.Wait()
	if err != nil {
		return err
	}
	columns, _ := terminal.Size(t.Out)
	last := Paper{W: t.Out, Columns: columns, Colour: t.Colour}
	return last.Nearest(t.rows, t.asked)
}

// ask asks once. What was there stays if there is no answer.
func (t *Top) ask(ctx context.Context) {
	most := t.Most
	if most == 0 {
		_, rows := terminal.Size(t.Out)
		most = max(rows-aside, 1)
	}
	rows, err := t.Client.Nearest(ctx, t.Query, most)
	if ctx.Err() != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fault = err; err == nil {
		t.rows, t.asked = rows, t.Client.Now()
	}
	t.count++
}

// show draws until q is pressed, which it tells by end.
func (t *Top) show(ctx context.Context, end func()) (err error) {
	screen := terminal.OpenScreen(t.In, t.Out)
	defer screen.Close()
	type drawn struct{ columns, rows, count int }
	var last drawn
	look := func(time.Time) {
		if screen.Pressed("qQ") {
			end()
			return
		}
		columns, rows := screen.Size()
		t.mu.Lock()
		defer t.mu.Unlock()
		if now := (drawn{columns, rows, t.count}); now != last && err == nil {
			last = now
			if err = screen.Draw(t.picture(columns, rows, screen.HasKeys())); err != nil {
				end()
			}
		}
	}
	look(time.Now())
	retry.Every(ctx, lookEvery, look)
	return err
}

// picture is what a terminal of that size shows.
func (t *Top) picture(columns, rows int, keys bool) (texts []string) {
	ends := "Ctrl-C ends it"
	if keys {
		ends = "q ends it"
	}
	p := Paper{Columns: columns, Colour: t.Colour}
	lines := []line{{bold, "near a limit, by " + t.Client.String() + " at " + stamp(&t.asked) + "; " + ends}, {}}
	if len(t.rows) == 0 {
		lines = append(lines, line{plain, nothingNear})
	} else {
		lines = append(lines, p.nearest(t.rows, t.asked)...)
	}
	foot := line{dim, "A crossing is a prompt for a person to look, not a finding."}
	if t.fault != nil {
		foot = line{yellow, "no answer since then: " + Visible(t.fault.Error())}
	}
	lines = append(lines[:min(len(lines), max(rows-1, 0))], foot)
	for _, l := range p.cut(lines) {
		texts = append(texts, p.finish(l))
	}
	return texts
}
