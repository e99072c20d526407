package oracle
import ("testing";"os";"math/rand/v2";"fmt";"time")
func TestZ(t *testing.T) {
	os.MkdirAll("/tmp/z", 0o755)
	pack, _ := os.ReadFile("/tmp/pack.yaml")
	for h := range 300 {
		rng := rand.New(rand.NewPCG(99, uint64(h)))
		o, err := Options{Now: zero.AddDate(5,0,0)}.New(pack)
		if err != nil { t.Fatal(err) }
		var in, out []byte
		now := zero
		for i := range 1500 {
			now = now.Add(time.Duration(rng.Int64N(int64(30 * time.Second))))
			if rng.IntN(150)==0 { now = now.Add(15*time.Minute) }
			v := randomEvent(rng, i, now)
			in = append(append(in, v...), '\n')
			out = append(out, records(o.Apply(v, -1))...)
		}
		for _, l := range o.Counts() { out = append(append(out, l...), '\n') }
		os.WriteFile(fmt.Sprintf("/tmp/z/%d.in", h), in, 0o644)
		os.WriteFile(fmt.Sprintf("/tmp/z/%d.want", h), out, 0o644)
		os.WriteFile(fmt.Sprintf("/tmp/z/%d.displaced", h), []byte(fmt.Sprint(o.Displaced())), 0o644)
	}
}
