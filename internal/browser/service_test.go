package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// site is a deployment of the built program, on servers of its own.
type site struct {
	t       *testing.T
	kafka   *servers.KafkaServer
	redis   *servers.RedisServer
	client  *kgo.Client
	events  string // the topic
	config  string // the file
	addr    string // where its one process serves HTTP, each time
	process *servers.Program
	sent    int
}

const serviceToken = "0123456789abcdef0123456789abcdef"

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, kafka: servers.SharedKafka(t), redis: servers.Redis(t, servers.RedisOptions{}), addr: servers.FreeAddr(t)}
	s.events = s.kafka.NewTopic(2, nil)
	crossings, canaries := s.kafka.NewTopic(3, nil), s.kafka.NewTopic(1, nil)
	s.kafka.CreateTopic(s.events+".dlq", 1, nil)
	s.config = servers.WriteFile(t, "aggregator.yaml", fmt.Sprintf(
		"kafka: {brokers: [%s], group: %s, events: [%s], crossings: %s}\nredis: {addrs: [%s]}\nhttp: {listen: %q, token: %s}\nlog: {format: json}\ncanary: {every: 2s, topic: %s}\n",
		strings.Join(s.kafka.Addrs(), ","), s.events, s.events, crossings, s.redis.Addr(), s.addr, serviceToken, canaries))
	client, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.Addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	s.client = client
	return s
}

// start starts the process, and waits until it counts.
func (s *site) start() {
	s.t.Helper()
	s.process = servers.StartProgram(s.t, servers.ProgramOptions{Name: "aggregator", Command: []string{aggregator.Path(s.t), "run", "-config", s.config}})
	s.process.HTTP = s.addr
	s.process.AwaitReady()
}

// click tells of clicks on an incident, so many days ago.
func (s *site) click(incident string, count, days int) {
	s.tell("click", incident, days, object{"count": count})
}

// tell produces an event of so many days ago.
func (s *site) tell(kind, incident string, days int, fields object) {
	s.t.Helper()
	s.tellAt(kind, incident, time.Now().AddDate(0, 0, -days), fields)
}

func (s *site) tellAt(kind, incident string, at time.Time, fields object) {
	s.t.Helper()
	s.sent++
	fields["id"], fields["type"], fields["incident"] = fmt.Sprintf("evt-%d", s.sent), kind, incident
	fields["time"] = at.UTC().Format(time.RFC3339Nano)
	b, err := json.Marshal(fields)
	if err != nil {
		s.t.Fatal(err)
	}
	s.record(incident, b)
}

func (s *site) record(key string, value []byte) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := s.client.ProduceSync(ctx, &kgo.Record{Topic: s.events, Key: []byte(key), Value: value}).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// fill tells of three weeks of some incidents.
func (s *site) fill() {
	s.t.Helper()
	for days := 20; days >= 0; days-- {
		more := days*8%21 - 10 // or less: in 21 days it is each of -10 to 10 once
		s.click("inc-42", 2_600+120*more, days)
		s.click("inc-2026-1187", 1_900+37*(20-days), days)
		s.click("谣言-长江大桥-0417", 1_300-60*more, days)
		s.click("حادثة-الجسر-٤١٧", 1_250+12*more*(days%3), days)
		for i := range 9 {
			s.tell("share", "inc-2026-1187", days, object{"account": fmt.Sprintf("a-%d-%d", days, i), "followers": 40 * i})
		}
		for i := range 4 {
			s.tell("publish", "inc-2026-0731", days, object{"account": "u-8812047", "content": fmt.Sprintf("v-%d-%d", days, i), "media": "video"})
		}
		s.tell("gain", "inc-2026-0455", days, object{"account": "u-2204951", "category": "fraud", "amount": 30_000 - 2_000*more})
	}
	s.rise("inc-2026-0912", 6_500)
	s.rise("inc-2026-1302", 4_700)
	s.click("<img src=x onerror=alert(1)>", 21_000, 3)
	s.click(strings.Repeat("long-id-", 31)+"end12345", 15_000, 2)
	s.click("..", 24_000, 1)
	s.click("\u202etxt.exe", 12_000, 1)
	s.record("bad", []byte("no event"))
}

// rise tells of clicks of the last hour, one after the other, so that there is a rate.
func (s *site) rise(incident string, each int) {
	s.t.Helper()
	sum := 0
	for minutes := 50; minutes >= 0; minutes -= 10 {
		n := each + 10*minutes
		sum += n
		s.tellAt("click", incident, time.Now().Add(-time.Duration(minutes)*time.Minute), object{"count": n})
		servers.Await(s.t, patience, 50*time.Millisecond, "the clicks are counted", func() bool {
			_, body := s.process.GetAs("/api/v1/subject?by=incident&id="+incident, serviceToken)
			return strings.Contains(body, fmt.Sprintf(`"value":%d,"limit":50000`, sum))
		})
	}
}

// TestService: the board shows a real service on real servers, live, and survives that these go away.
func TestService(t *testing.T) {
	s := newSite(t)
	s.start()
	s.fill()
	p := open(t, "http://"+s.addr, 1440, 900, "light")
	p.expectFailures(true)
	p.visit("/")
	p.has("h1", "A token is needed")
	p.sound("token")
	p.press(strings.Split(serviceToken, "")...)
	p.press("\r")
	p.has(".latest", "inc-42")
	p.expectFailures(false)
	p.visit("/?min_progress=0.5")
	p.has(".rows", "inc-2026-1302")
	p.has(".latest", "inc-42")
	p.has("#vitals", "the whole way works")
	p.await(`[...document.querySelectorAll(".spark")].every((s) => s.firstChild)`)
	p.picture("board", 1400, 880)
	s.everyPage(p)

	p.size(1440, 900)
	p.scheme("light")
	p.visit("/?min_progress=0")
	p.has("#live-state", "Live")
	eval[any](p, "window.stays = true")
	appears := func(incident string) {
		t.Helper()
		s.click(incident, 50_000, 0)
		p.has(".latest", incident)
		p.has(".rows", incident)
	}
	appears("inc-while-live")

	p.expectFailures(true) // servers are away, and the browser logs it
	s.process.Stop()
	p.has("#banner", "The program does not answer.")
	p.has("#live-state", "Reconnecting")
	s.click("inc-while-stopped", 50_000, 0)
	s.start()
	p.has("#live-state", "Live")
	p.has(".latest", "inc-while-stopped")
	p.await(`document.querySelector("#banner").innerText === ""`)

	s.redis.Stop()
	p.has("#banner", "Redis is away.")
	p.sound("redis away")
	p.shoot("service redis away")
	s.redis.Restart()
	p.await(`document.querySelector("#banner").innerText === ""`)
	appears("inc-after-redis")
	if !eval[bool](p, "window.stays === true") {
		t.Error("the page was loaded anew")
	}
}

// everyPage walks the pages in every look.
func (s *site) everyPage(p *tab) {
	s.t.Helper()
	for _, look := range looks {
		p.size(look.width, look.height)
		p.scheme(look.scheme)
		seen := func(page, path string, has ...string) {
			s.t.Helper()
			p.visit(path)
			for i := 0; i < len(has); i += 2 {
				p.has(has[i], has[i+1])
			}
			p.has("#live-state", "Live")
			p.has("#build", "Group")
			name := fmt.Sprintf("%s %d %s", page, look.width, look.scheme)
			p.sound(name)
			p.shoot("service " + name)
		}
		seen("below", "/", ".rows", "inc-2026-1302", "main p", "at the limit, or over it")
		seen("near", "/?min_progress=0", ".rows", "54,600 / 50,000 clicks", ".rows", "109 %", ".rows", "<img src=x onerror=alert(1)>", ".rows", "谣言-长江大桥-0417", ".rows", "حادثة-الجسر-٤١٧", ".rows", strings.Repeat("long-id-", 31)+"end12345",
			".rows", `\u202etxt.exe`, ".rows", "% an hour", "#vitals", "the whole way works")
		seen("crossings", "/crossings", ".crossings", "● limit", ".crossings", "谣言-长江大桥-0417")
		seen("crossing", "/crossings?id=art3-clicks%2Fincident%2Finc-42%2F1%2F1", ".evidence", s.events+", partition", ".evidence", "-subject incident/inc-42")
		seen("subject", "/subjects/incident/inc-42", ".rows", "54,600 / 50,000 clicks", ".chart figcaption", "clicks over 73", ".crossings", "● limit")
		seen("odd subject", "/subjects?by=incident&id=..", "h1", "..", ".rows", "24,000 / 50,000 clicks")
		seen("rules", "/rules", "table", "Actual clicks", "table", "50,000 clicks", "summary", "✓ Tests passed: 40 of 40.")
		seen("health", "/health", "table", s.events, ".tiles", "syntax 1", ".facts", "cn-2019-15")
	}
}
