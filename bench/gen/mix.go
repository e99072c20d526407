package gen

// part is one type of event and how many of all are of it.
type part struct {
	kind  string
	share int // of shares
	fill  func(g *Generator, w *writer, progress float64)
}

// parts is the mix: mostly reading, some publishing, and a little of everything the built-in pack counts. "ping" counts nowhere.
var parts = []part{
	{"click", 560, (*Generator).click},
	{"view", 130, (*Generator).view},
	{"share", 75, (*Generator).share},
	{"comment", 60, (*Generator).view},
	{"publish", 50, (*Generator).publish},
	{"send", 40, (*Generator).send},
	{"register", 20, (*Generator).register},
	{"leak", 10, (*Generator).leak},
	{"assist", 8, (*Generator).assist},
	{"pay", 7, (*Generator).pay},
	{"gain", 7, (*Generator).gain},
	{"group", 6, (*Generator).group},
	{"follow", 6, (*Generator).follow},
	{"fund", 5, (*Generator).fund},
	{"establish", 5, (*Generator).establish},
	{"ping", 5, (*Generator).ping},
	{"order", 3, (*Generator).order},
	{"refuse", 2, (*Generator).refuse},
	{"punish", 1, (*Generator).punish},
}

var shares = func() (sum int) {
	for _, p := range parts {
		sum += p.share
	}
	return sum
}()

// fill writes the members of an event of a type drawn from the mix.
func (g *Generator) fill(w *writer, progress float64) {
	n := g.rng.IntN(shares)
	for _, p := range parts {
		if n -= p.share; n < 0 {
			w.text("type", p.kind)
			p.fill(g, w, progress)
			return
		}
	}
}

func (g *Generator) click(w *writer, progress float64) {
	g.view(w, progress)
	count := int64(1)
	if g.rng.IntN(10) == 0 {
		count = 2 + g.rng.Int64N(19) // a front end that reports several at once
	}
	w.number("count", count)
}

func (g *Generator) view(w *writer, progress float64) {
	incident := g.incident(w, progress)
	w.who("account", g.crowd.reader(incident))
	w.who("content", id{"post-", incident, 1 + g.rng.Int64N(g.posts[incident]+1)})
	g.place(w)
}

func (g *Generator) share(w *writer, progress float64) {
	incident := g.incident(w, progress)
	account := g.crowd.reader(incident)
	w.who("account", account)
	w.who("content", id{"post-", incident, 1 + g.rng.Int64N(g.posts[incident]+1)})
	w.number("followers", g.crowd.size("followers", account.number, 3, 300))
	if g.rng.IntN(12) == 0 {
		g.chatGroup(w, progress)
	} else {
		g.place(w)
	}
}

func (g *Generator) publish(w *writer, progress float64) {
	incident := g.incident(w, progress)
	author := g.crowd.author()
	w.who("account", author)
	if g.rng.IntN(10) > 0 || g.posts[incident] == 0 { // else one is published again
		g.posts[incident]++
	}
	w.who("content", id{"post-", incident, g.posts[incident]})
	w.text("media", pick(g, "text", "text", "image", "image", "audio", "video"))
	w.number("followers", g.crowd.followers(author, progress))
}

func (g *Generator) send(w *writer, progress float64) {
	incident := g.incident(w, progress)
	w.who("account", g.crowd.author())
	w.who("content", id{"post-", incident, 1 + g.rng.Int64N(g.posts[incident]+1)})
	if g.rng.IntN(6) == 0 {
		g.chatGroup(w, progress)
	} else {
		w.who("recipient", g.crowd.anyone())
	}
}

func (g *Generator) register(w *writer, _ float64) {
	operator := g.crowd.operator()
	w.keyed("account", operator)
	w.who("recipient", g.crowd.anyone())
	w.who("site", id{"site-", operator.number, 1})
	w.text("client", "web")
}

func (g *Generator) leak(w *writer, progress float64) {
	incident := g.incident(w, progress)
	set := 1 + g.rng.Int64N(9)
	w.who("account", g.crowd.operator())
	w.who("content", id{"leak-", incident, set})
	category, high := "username", int64(40_000)
	switch {
	case set <= 3:
		category, high = [...]string{"tracking", "credit", "asset"}[set-1], 500
	case set <= 6:
		category, high = [...]string{"housing", "health", "transaction"}[set-4], 4_000
	}
	w.text("category", category)
	w.number("records", int64(float64(g.crowd.size("leak", incident*10+set, 10, high))*growth(progress)))
}

func (g *Generator) assist(w *writer, _ float64) {
	w.keyed("account", g.crowd.helper())
	w.who("recipient", g.crowd.operator())
	w.text("category", pick(g, "hosting", "payment", "promotion"))
	w.text("client", "report")
}

func (g *Generator) pay(w *writer, _ float64) {
	w.keyed("account", g.crowd.helper())
	w.who("recipient", g.crowd.operator())
	w.number("amount", g.crowd.amount(1_000, 2_000_000))
	w.text("client", "bank")
}

func (g *Generator) fund(w *writer, _ float64) {
	w.keyed("account", g.crowd.helper())
	w.who("recipient", g.crowd.operator())
	w.number("amount", g.crowd.amount(1_000, 500_000))
	w.text("client", "bank")
}

func (g *Generator) gain(w *writer, _ float64) {
	if g.rng.IntN(2) == 0 {
		w.keyed("account", g.crowd.operator())
		w.text("category", pick(g, "sale", "advertising"))
	} else {
		w.keyed("account", g.crowd.helper())
		w.text("category", "assistance")
	}
	w.number("amount", g.crowd.amount(100, 100_000))
	w.text("client", "bank")
}

func (g *Generator) group(w *writer, progress float64) {
	w.keyed("account", g.crowd.operator())
	g.chatGroup(w, progress)
}

func (g *Generator) follow(w *writer, progress float64) {
	g.incident(w, progress)
	author := g.crowd.author()
	w.who("account", author)
	w.number("followers", g.crowd.followers(author, progress))
}

func (g *Generator) establish(w *writer, progress float64) {
	operator := g.crowd.operator()
	w.keyed("account", operator)
	if g.rng.IntN(2) == 0 {
		w.who("site", id{"site-", operator.number, 1 + g.rng.Int64N(9)})
	} else {
		g.chatGroup(w, progress)
	}
}

func (g *Generator) ping(w *writer, _ float64) {
	w.keyed("account", g.crowd.anyone())
	w.text("client", "monitor")
}

func (g *Generator) order(w *writer, progress float64) {
	g.incident(w, progress)
	w.who("account", g.crowd.operator())
	w.text("client", "authority")
}

func (g *Generator) refuse(w *writer, progress float64) {
	g.incident(w, progress)
	w.who("account", g.crowd.author())
	w.text("client", "authority")
}

// punish is keyed by the account, as is what is counted after it (establish, assist, pay, fund). Of
// two events of one partition it is certain which comes after the other, however many consumers
// there are.
func (g *Generator) punish(w *writer, _ float64) {
	if g.rng.IntN(2) == 0 {
		w.keyed("account", g.crowd.operator())
	} else {
		w.keyed("account", g.crowd.helper())
	}
	w.text("client", "authority")
}

// incident writes an incident, which becomes the key.
func (g *Generator) incident(w *writer, progress float64) int64 {
	n := g.crowd.incident(progress)
	w.keyed("incident", id{prefix: "inc-", number: n})
	return n
}

// chatGroup writes a group and its size, which grows.
func (g *Generator) chatGroup(w *writer, progress float64) {
	group := g.crowd.chatGroup()
	w.who("group", group)
	w.number("members", int64(float64(g.crowd.size("members", group.number, 3, 200))*growth(progress)))
}

// place writes what no rule of the built-in pack reads.
func (g *Generator) place(w *writer) {
	w.text("site", pick(g, "www.example.com", "m.example.com", "news.example.org"))
	w.text("client", pick(g, "web", "android", "ios"))
}

// growth is the part of its last size that something has reached.
func growth(progress float64) float64 { return 0.3 + 0.7*progress }

func pick(g *Generator, values ...string) string { return values[g.rng.IntN(len(values))] }
